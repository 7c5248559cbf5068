import { faultsOf } from './faults.js';

faultsOf('quiet');
