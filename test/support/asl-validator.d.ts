declare module 'asl-validator' {
  /** Checks a definition against the States Language. Writes defaults into the definition it is given. */
  export default function validate(definition: object): {
    readonly isValid: boolean;
    readonly errors: readonly unknown[];
    readonly errorsText: () => string;
  };
}
