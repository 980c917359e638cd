// What of Swagger UI is other than it comes.

import type { Plugin } from "swagger-ui-dist/swagger-ui-es-bundle.js";

export const plain: Plugin = ({ React }) => ({
  wrapComponents: {
    // It is inside a button, where a link cannot be reached; the button sets the address as well.
    DeepLink: () => ({ text }: { text: string }) => React.createElement("span", null, text),
    // There is one server: this one.
    ServersContainer: () => () => null,
  },
});
