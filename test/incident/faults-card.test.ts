import { faultsOf } from './faults.js';

faultsOf('card');
