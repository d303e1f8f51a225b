import tseslint from "typescript-eslint";

// Few rules, each about a mistake; how code looks is left to its writer and reviewer.
export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**", "src/protocol.gen.ts", "playwright-report/**", "test-results/**"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js", "public/boot.js", "scripts/size.mjs"] } },
    },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "Exports have names." },
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Text is text: build elements." },
      ],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ["**/*.test.{ts,tsx}"],
    rules: { "@typescript-eslint/unbound-method": "off" }, // mocks are looked at, not called
  },
  {
    files: ["*.config.{ts,js}", "e2e/*.config.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  { files: ["**/*.js", "**/*.mjs"], ...tseslint.configs.disableTypeChecked },
);
