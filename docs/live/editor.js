// An editor for Python, CodeMirror's, in the colours of the page.
import {basicSetup} from "codemirror";
import {python as language} from "@codemirror/lang-python";
import {HighlightStyle, indentUnit, syntaxHighlighting} from "@codemirror/language";
import {EditorState, Prec} from "@codemirror/state";
import {EditorView, keymap} from "@codemirror/view";
import {tags} from "@lezer/highlight";

// The classes by which Pygments colours the page's code, light and dark.
const words = HighlightStyle.define([
  {tag: [tags.keyword, tags.bool, tags.null], class: "k"}, {tag: tags.comment, class: "c1"},
  {tag: tags.string, class: "s2"}, {tag: tags.number, class: "mi"},
  {tag: tags.definition(tags.className), class: "nc"},
  {tag: tags.function(tags.definition(tags.variableName)), class: "nf"},
]);

const look = EditorView.theme({
  "&": {fontSize: "var(--code-font-size)", color: "var(--color-foreground-primary)",
        backgroundColor: "var(--color-code-background)"},
  "&.cm-focused": {outline: "2px solid var(--color-brand-primary)"},
  ".cm-content": {fontFamily: "var(--font-stack--monospace)",
                  caretColor: "var(--color-foreground-primary)"},
  ".cm-cursor": {borderLeftColor: "var(--color-foreground-primary)"},
  ".cm-gutters": {backgroundColor: "transparent", border: "none",
                  color: "var(--color-foreground-secondary)"},
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
    basicSetup, language(), indentUnit.of("    "), look, syntaxHighlighting(words),
    EditorView.editorAttributes.of({class: "highlight"}),
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
