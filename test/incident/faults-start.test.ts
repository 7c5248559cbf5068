import { faultsOf } from './faults.js';

faultsOf('start');
