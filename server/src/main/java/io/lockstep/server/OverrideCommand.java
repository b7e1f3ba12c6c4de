package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lets a node lead with an older copy, because an operator says so (R7). Runs on the main thread. */
@Command(
        name = "override",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Lets a node lead with the older copy that it holds.",
        description = {
            "",
            "For the case that the active is gone for good, and what is left was not in sync with it: it refuses to serve, and"
                    + " 'status' says whom it waits for. With this command it leads in a new term with what it holds. What"
                    + " was answered after that is lost; clients that have seen it get a definite error.",
            "Refused while the former active, or a backup that was in sync, may live. One whose machine does not answer"
                    + " must be switched off first; then say so with --fenced.",
            ""
        })
final class OverrideCommand implements Callable<Integer> {
    private static final Duration STATUS_LIMIT = Duration.ofSeconds(2);
    /** A look at a node that does not answer takes a second or two; a round of the register less. */
    private static final Duration LIMIT = Duration.ofSeconds(15);

    private static final ObjectMapper JSON = new ObjectMapper();

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "NODE", description = "The node that is to lead.")
    private String node = "";

    @Option(names = "--accept-loss", description = "What was answered after this copy is lost. Must be said.")
    private boolean acceptsLoss;

    @Option(
            names = "--fenced",
            paramLabel = "NODE",
            split = ",",
            description = "A node that does not answer, and of which you know that its process has ended.")
    private List<String> fenced = new ArrayList<>();

    private final Output output;

    OverrideCommand(Output output) {
        this.output = output;
    }

    @Override
    public Integer call() {
        if (!acceptsLoss) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "say --accept-loss: " + node + " may lack what was answered, and that is then lost for good");
        }
        ClusterStatus.NodeStatus found = target.status(STATUS_LIMIT)
                .node(node)
                .orElseThrow(() -> new CommandFailure(ExitCode.USAGE, "there is no node " + node));
        Integer port = found.ports().get("peer");
        if (port == null) {
            throw new CommandFailure(ExitCode.CANNOT_REACH, node + " is gone");
        }
        JsonNode answer = ask(port);
        String text = node + ": " + answer.path("text").asText();
        if (!answer.path("done").asBoolean()) {
            throw new CommandFailure(ExitCode.REFUSED, text);
        }
        output.document(answer);
        output.text(text);
        return ExitCode.DONE.code();
    }

    private JsonNode ask(int port) {
        try {
            return JSON.readTree(target.askNode(port, OverrideOrder.question(fenced), LIMIT));
        } catch (JsonProcessingException e) {
            throw new CommandFailure(ExitCode.UNKNOWN, node + " answered something else", e);
        } catch (CommandFailure e) {
            throw new CommandFailure(
                    ExitCode.UNKNOWN,
                    "it is not known whether " + node + " leads: " + e.getMessage()
                            + "; a majority of the voters must be there, and 'status' says who is missing",
                    e);
        }
    }
}
