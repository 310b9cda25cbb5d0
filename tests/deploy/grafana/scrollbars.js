// The bundler takes the whole module for its default export, where the components need the class.

import { Scrollbars } from "./node_modules/react-custom-scrollbars-2/lib/index.js";

export default Scrollbars;
