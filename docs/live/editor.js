// An editor for Python, CodeMirror's, in the colours of the page.
import {basicSetup} from "codemirror";
import {python as language} from "@codemirror/lang-python";
import {indentUnit} from "@codemirror/language";
import {EditorState, Prec} from "@codemirror/state";
import {EditorView, keymap} from "@codemirror/view";

const look = EditorView.theme({
  "&": {fontSize: "var(--code-font-size)", color: "var(--color-foreground-primary)",
        backgroundColor: "var(--color-code-background)"},
  "&.cm-focused": {outline: "2px solid var(--color-brand-primary)"},
  ".cm-content": {fontFamily: "var(--font-stack--monospace)",
                  caretColor: "var(--color-foreground-primary)"},
  ".cm-cursor": {borderLeftColor: "var(--color-foreground-primary)"},
  ".cm-gutters": {backgroundColor: "transparent", border: "none",
                  color: "var(--color-foreground-muted)"},
  ".cm-activeLine, .cm-activeLineGutter": {backgroundColor: "transparent"},
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--color-highlight-on-target) !important"},
});

// onRun: what Ctrl-Enter and Shift-Enter do; onChange: is told the text. Tab leaves the editor
// after Escape, as CodeMirror does it for those who use the keyboard alone.
export function editor(parent, text, {onRun, onChange, label = "Python code"} = {}) {
  const run = () => { onRun?.(); return true; };
  const state = () => EditorState.create({doc: text, extensions: [
    Prec.highest(keymap.of([{key: "Mod-Enter", run}, {key: "Shift-Enter", run}])),
    basicSetup, language(), indentUnit.of("    "), look,
    EditorView.contentAttributes.of({"aria-label": label}),
    EditorView.updateListener.of(update => {
      if (update.docChanged) onChange?.(update.state.doc.toString());
    }),
  ]});
  const view = new EditorView({state: state(), parent});
  return {
    text: () => view.state.doc.toString(),
    set: next => view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: next}}),
    focus: () => view.focus(),
    remove: () => view.destroy(),
  };
}
