/** esbuild bundles these. */
declare module '*.css';
