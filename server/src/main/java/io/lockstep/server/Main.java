package io.lockstep.server;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line: parses arguments, runs one subcommand, maps every end to an {@link ExitCode}. Runs on the main
 * thread.
 */
@Command(
        name = "lockstep",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        header = "Transactions that outlive the node they run on.",
        description = {
            "",
            "A distributor sends every message of a transaction to the active node; the active executes it and forwards it"
                    + " to the backups. When the active dies in the middle, a backup goes on: clients see a short pause and"
                    + " no error.",
            "",
            "Begin with:  lockstep drill     kills the active under load and shows what became of every transaction",
            "then:        lockstep up        starts a database on 127.0.0.1:7400 and keeps it running",
            ""
        },
        footerHeading = "%nExit codes:%n",
        footer = {"  (filled in)"})
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    private final Output output;

    Main(Output output) {
        this.output = output;
    }

    /** How results are printed. */
    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            scope = ScopeType.INHERIT,
            description = "text (default), or json: exactly one JSON document on standard output.")
    void form(String form) {
        switch (form.toLowerCase(Locale.ROOT)) {
            case "text" -> output.form(Output.Form.TEXT);
            case "json" -> output.form(Output.Form.JSON);
            default -> throw new ParameterException(spec.commandLine(), "-o is '" + form + "'; allowed: text, json");
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        EndBySignal signals = EndBySignal.watch();
        PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), true);
        PrintWriter err = new PrintWriter(new OutputStreamWriter(System.err, StandardCharsets.UTF_8), true);
        int code = run(arguments, out, err);
        signals.commandIsOver();
        System.exit(code);
    }

    /**
     * Runs one command within this process.
     *
     * @param out where the result goes
     * @param err where everything else goes
     * @return what a process would end with, see {@link ExitCode}
     */
    public static int run(String[] arguments, PrintWriter out, PrintWriter err) {
        Output output = new Output(out, err);
        CommandLine line = new CommandLine(new Main(output));
        line.addSubcommand(new UpCommand(output));
        line.addSubcommand(new StatusCommand(output));
        line.addSubcommand(new PidCommand(output));
        line.addSubcommand(new CheckCommand(output, System.in));
        line.addSubcommand(new OverrideCommand(output));
        line.addSubcommand(new NodeCommand());
        line.addSubcommand(new DistributorCommand());
        line.addSubcommand(new TrainCommand());
        line.addSubcommand(new ArbiterCommand());
        for (Object command : commands(output)) {
            line.addSubcommand(command);
        }
        line.setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, at, result) -> onFailure(e, output))
                .setParameterExceptionHandler((e, given) -> onUsage(e, output));
        List<String> codes = new ArrayList<>();
        for (ExitCode each : ExitCode.values()) {
            codes.add(String.format(Locale.ROOT, "  %3d  %s", each.code(), each.meaning()));
        }
        line.getCommandSpec().usageMessage().footer(codes.toArray(String[]::new));
        return line.execute(arguments);
    }

    private static List<Object> commands(Output output) {
        List<Object> commands = new ArrayList<>();
        for (CommandProvider provider : ServiceLoader.load(CommandProvider.class)) {
            commands.addAll(provider.commands(output));
        }
        return commands;
    }

    private static int onFailure(Exception failure, Output output) {
        ExitCode code = failure instanceof CommandFailure known
                ? known.exitCode()
                : failure instanceof InterruptedException
                        ? ExitCode.INTERRUPTED
                        : failure instanceof IOException ? ExitCode.FAILED : ExitCode.INTERNAL;
        if (code == ExitCode.INTERNAL) {
            LoggerFactory.getLogger(Main.class).error("internal error", failure);
        }
        String text = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        if (failure instanceof InterruptedException) {
            text = code.meaning();
        }
        output.talk("lockstep: " + text);
        complain(output, code, text);
        return code.code();
    }

    private static int onUsage(ParameterException wrong, Output output) {
        CommandLine line = wrong.getCommandLine();
        output.talk("lockstep: " + wrong.getMessage());
        if (wrong instanceof UnmatchedArgumentException unmatched) {
            List<String> suggestions = unmatched.getSuggestions();
            if (!suggestions.isEmpty()) {
                output.talk("Did you mean " + String.join(" or ", suggestions) + "?");
            }
        }
        output.talk("'" + line.getCommandSpec().qualifiedName() + " --help' says what is allowed.");
        complain(output, ExitCode.USAGE, String.valueOf(wrong.getMessage()));
        return ExitCode.USAGE.code();
    }

    private static void complain(Output output, ExitCode code, String text) {
        if (output.isJson() && !output.isDocumentPrinted()) {
            Map<String, Object> error = new TreeMap<>(Map.of("exit", code.code(), "text", text));
            output.document(new TreeMap<>(Map.of("schema", 1, "error", error)));
        }
    }

    /** Says which Lockstep this is. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {
                "lockstep " + (version == null ? "0.1.0-SNAPSHOT" : version),
                "Java " + Runtime.version() + ", " + System.getProperty("os.name") + " " + System.getProperty("os.arch")
            };
        }
    }
}
