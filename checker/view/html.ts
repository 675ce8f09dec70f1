/** HTML that is written by a program: elements, data for a script, and templates with what they are about. */

/** Text that is HTML already. */
export type Html = { readonly html: string };

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function htmlOf(value: string | Html): string {
  return typeof value === "string" ? escaped(value) : value.html;
}

/** An element with an end tag. Strings, in attributes too, are shown as they are. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (string | Html)[]
): Html {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  return { html: `<${name}${said.join("")}>${children.map(htmlOf).join("")}</${name}>` };
}

/** One after the other, with a line feed between. */
export function joined(parts: readonly Html[]): Html {
  return { html: parts.map(({ html }) => html).join("\n") };
}

/** JSON that cannot end the script element around it. */
export function dataHtml(value: unknown): Html {
  return { html: JSON.stringify(value).replaceAll("<", "\\u003c") };
}

/** The template with each `{{name}}` in it replaced. Throws where the template has other names than `values`. */
export function filled(template: string, values: Readonly<Record<string, string | Html>>): string {
  const unused = new Set(Object.keys(values));
  const text = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the page says nothing for {{${name}}}`);
    unused.delete(name);
    return htmlOf(value);
  });
  if (unused.size > 0) throw new Error(`the page's template has no place for ${[...unused].join(", ")}`);
  return text;
}
