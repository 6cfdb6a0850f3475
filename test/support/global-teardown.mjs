import { teardown } from './setup.ts';

export default teardown;
