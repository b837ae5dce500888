// Starts the application.
import "@fontsource-variable/inter/index.css";
import "./styles/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
