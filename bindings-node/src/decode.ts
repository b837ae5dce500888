// JSON of the native module to what is answered: names in camel case, instants as `Date`s.

/** Makes a value of a parsed one, which is not null. */
export type Reader = (value: any) => any;

/** A list whose items are all read alike. */
export function list(item: Reader): Reader {
  return (values: unknown[]) => values.map((value) => (value === null ? null : item(value)));
}

/** An object. Members that need more than another name are said; `null` stays as it is. */
export function object(members: Record<string, Reader> = {}): Reader {
  return (value: Record<string, unknown>) => {
    const read: Record<string, unknown> = {};
    for (const [member, found] of Object.entries(value)) {
      const reader = members[member];
      read[camel(member)] = reader === undefined || found === null ? found : reader(found);
    }
    return read;
  };
}

const NAMES = new Map<string, string>();

/** `row_count` as `rowCount`. */
function camel(member: string): string {
  let name = NAMES.get(member);
  if (name === undefined) {
    name = member.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    NAMES.set(member, name);
  }
  return name;
}
