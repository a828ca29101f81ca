/**
 * The part of a structured logger that this project uses; Powertools' `Logger` implements it.
 *
 * Of a person, only the numeric user id, course id and enterprise UUID may be logged: never a payload, address or secret.
 */
export interface Log {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}
