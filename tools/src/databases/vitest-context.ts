declare module "vitest" {
  interface ProvidedContext {
    /** URL of the broker that starts database servers; use `findTestServer` instead. */
    databaseBroker: string;
  }
}

export {};
