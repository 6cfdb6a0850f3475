// jest wants default exports.
import { setup } from './setup.ts';

export default setup;
