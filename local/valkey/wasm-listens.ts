/** What `wasm-server.ts` writes once it has its port. Valkey's own line comes before. */
export const WASM_LISTENS = 'it has its port';
