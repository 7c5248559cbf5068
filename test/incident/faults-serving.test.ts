import { faultsOf } from './faults.js';

faultsOf('serving');
