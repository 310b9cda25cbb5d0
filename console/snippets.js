// A request as a program of one's own: the lines that ask the same. They have no key; it comes from OPENAI_API_KEY.

/** The kinds by their names; each makes lines of `{address, body}`, the address of the API and the body of a request. */
export const SNIPPETS = {
  curl: ({ address, body }) =>
    [
      `curl ${shell(`${address}/chat/completions`)} \\`,
      `  -H "Authorization: Bearer $OPENAI_API_KEY" \\`,
      `  -H "Content-Type: application/json" \\`,
      `  -d ${shell(JSON.stringify(body, null, 2))}`,
    ].join("\n"),

  Python: ({ address, body }) =>
    [
      "from openai import OpenAI",
      "",
      `client = OpenAI(base_url=${JSON.stringify(address)})`,
      "answer = client.chat.completions.create(",
      ...Object.entries(body).map(([name, value]) => `    ${name}=${python(value, "    ")},`),
      ")",
      "print(answer.choices[0].message.content)",
    ].join("\n"),

  Node: ({ address, body }) =>
    [
      'import OpenAI from "openai";',
      "",
      `const client = new OpenAI({ baseURL: ${JSON.stringify(address)} });`,
      `const answer = await client.chat.completions.create(${JSON.stringify(body, null, 2)});`,
      "console.log(answer.choices[0].message.content);",
    ].join("\n"),
};

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A value of JSON as Python writes it: texts and numbers are the same. */
function python(value, indent) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const lines = Array.isArray(value)
    ? value.map((one) => `${inner}${python(one, inner)},\n`)
    : Object.entries(value).map(([name, one]) => `${inner}${JSON.stringify(name)}: ${python(one, inner)},\n`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return lines.length ? `${open}\n${lines.join("")}${indent}${close}` : open + close;
}
