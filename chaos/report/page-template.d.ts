/** The page of pages/chaos with its style and script in it. `npm run build` writes the module, into dist only. */
export const template: string;
