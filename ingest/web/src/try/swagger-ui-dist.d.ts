// What is used of Swagger UI, which has no types of its own.

declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  type Component = (properties: never) => unknown;
  type Plugin = (system: { React: { createElement: (...parts: unknown[]) => unknown } }) => {
    wrapComponents: Record<string, (original: Component) => Component>;
  };
  interface Options {
    url: string;
    domNode: HTMLElement;
    plugins: Plugin[];
    deepLinking?: boolean;
    defaultModelsExpandDepth?: number;
    displayRequestDuration?: boolean;
    docExpansion?: "list" | "full" | "none";
    filter?: boolean;
    syntaxHighlight?: boolean;
    validatorUrl?: string | null;
  }
  export type { Plugin };
  export default function SwaggerUI(options: Options): unknown;
}

declare module "*.css";
