// The same for `import`. It hands on what `require` gives, so that a class is the same class however it was loaded.

export * from "./index.js";
