import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./design/fonts.css";
import "./design/tokens.css";
import "./design/base.css";
import "./design/shell.css";
import "./design/controls.css";
import "./design/surfaces.css";
import "./design/pictures.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
