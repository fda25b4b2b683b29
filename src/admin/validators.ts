/** How Fastify checks requests: text of URLs becomes the type that is asked for, a JSON body has to have it already. */
import AjvCompiler, { type BuildCompilerFromPool } from '@fastify/ajv-compiler';

type Compile = ReturnType<BuildCompilerFromPool>;

export function buildValidator(): BuildCompilerFromPool {
  const build = AjvCompiler();
  return (schemas, options) => {
    const lenient = build(schemas, options);
    const { customOptions } = options ?? {};
    const strict = build(schemas, { customOptions: { ...customOptions, coerceTypes: false } as object });
    const compile: Compile = (route) => (isBody(route) ? strict : lenient)(route);
    return compile;
  };
}

/** Fastify gives more than the type of the package says: the schema, and the part of the request that it is of. */
function isBody(route: unknown): boolean {
  return (route as { readonly httpPart?: string }).httpPart === 'body';
}
