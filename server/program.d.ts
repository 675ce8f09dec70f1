/**
 * server/command.ts with all that it imports: it runs when it is loaded. `npm run build` writes the module, into dist only.
 */
export const version: string;
