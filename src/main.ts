/** The entry of every process of Parley. */
import { main } from './cli/main.ts';

// The exit is explicit: a handle that some library left open must not keep a stopped process.
process.exit(await main(process.argv.slice(2)));
