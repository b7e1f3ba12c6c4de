package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;

/**
 * Where a command's result goes: standard output, as text or as exactly one JSON document; all talk goes to standard
 * error. Touched by the thread that runs the command.
 */
public final class Output {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintWriter result;
    private final PrintWriter talk;
    private Form form = Form.TEXT;
    private boolean isDocumentPrinted;

    /** How results are printed. */
    public enum Form {
        TEXT,
        JSON
    }

    /**
     * @param result where results go
     * @param talk where progress, warnings and errors go
     */
    public Output(PrintWriter result, PrintWriter talk) {
        this.result = result;
        this.talk = talk;
    }

    void form(Form form) {
        this.form = form;
    }

    /** Whether the result is one JSON document. */
    public boolean isJson() {
        return form == Form.JSON;
    }

    /** Prints a line of the result; with JSON, where the document says it, a line of talk. */
    public void text(String line) {
        PrintWriter to = isJson() ? talk : result;
        to.println(line);
        to.flush();
    }

    /** Prints a line of progress or warning. */
    public void talk(String line) {
        talk.println(line);
        talk.flush();
    }

    /**
     * With JSON, prints the result's one document; otherwise does nothing.
     *
     * @param document anything that Jackson can write: records, maps, lists, nodes
     */
    public void document(Object document) {
        if (!isJson()) {
            return;
        }
        if (isDocumentPrinted) {
            throw new IllegalStateException("a second document: " + document);
        }
        isDocumentPrinted = true;
        try {
            result.println(JSON.writeValueAsString(document));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + document.getClass(), e);
        }
        result.flush();
    }

    /** Whether the document has been printed. */
    boolean isDocumentPrinted() {
        return isDocumentPrinted;
    }
}
