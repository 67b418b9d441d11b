import { buildWhenNeeded } from './built-server';

/** Some tests start the built server: it is built once, before any of them, and not by two workers at the same time. */
export default buildWhenNeeded;
