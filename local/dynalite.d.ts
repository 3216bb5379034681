/** The part of dynalite 4 that is used; it brings no types. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    /** LevelDB folder; in memory without it. */
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }

  /** Closing the server closes the database too. */
  function dynalite(options: Options): Server;
  export = dynalite;
}
