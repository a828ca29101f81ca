/** An error as a client of AWS sees it: `name` is what it matches on, `fields` the members its shape has besides. */
export class AwsError extends Error {
  override readonly name: string;
  readonly statusCode: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(name: string, statusCode: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = name;
    this.statusCode = statusCode;
    this.fields = fields;
  }
}
