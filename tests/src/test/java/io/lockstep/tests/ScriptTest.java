package io.lockstep.tests;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code lockstep}, on a folder whose build has nothing in it: what it runs comes from where it is told to look. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class ScriptTest {
    private static final String MAIN = """
            package io.lockstep.server;
            public final class Main {
                public static void main(String[] arguments) {
                    System.out.println(String.join(" ", arguments) + "|" + System.getProperty("java.class.path"));
                }
            }
            """;

    @TempDir
    private Path folder;

    private Path script = Path.of("");
    private Path operators = Path.of("");

    @BeforeEach
    void make() throws IOException {
        script = Files.copy(root().resolve("lockstep"), folder.resolve("lockstep"));
        Files.writeString(folder.resolve("pom.xml"), "");
        Files.createDirectory(folder.resolve(".mvn"));
        operators = Files.createDirectory(folder.resolve("operators classes"));
        Path source = Files.writeString(folder.resolve("Main.java"), MAIN);
        JavaCompiler compiler = requireNonNull(ToolProvider.getSystemJavaCompiler());
        assertThat(compiler.run(null, null, null, "-d", operators.toString(), source.toString()))
                .isZero();
    }

    private static Path root() {
        Path here = Path.of("").toAbsolutePath();
        while (!Files.exists(here.resolve("lockstep"))) {
            here = requireNonNull(here.getParent());
        }
        return here;
    }

    private String run(String classPath) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("bash", script.toString(), "status", "--all");
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("LOCKSTEP_CLASSPATH", classPath);
        builder.redirectError(folder.resolve("said").toFile());
        Process process = builder.start();
        try (InputStream out = process.getInputStream()) {
            return new String(out.readAllBytes(), UTF_8).strip();
        }
    }

    @Test
    void putsTheOperatorsClassesBehindItsOwn() throws IOException {
        // It can build nothing of this, and leaves the lock that names what it would have built.
        run("");
        assertThat(folder.resolve("said")).content().contains("the build failed");
        try (Stream<Path> locks = Files.list(folder.resolve(".lockstep/build"))) {
            Path lock = locks.filter(each -> each.toString().matches(".*/[0-9a-f]+\\.lock"))
                    .findFirst()
                    .orElseThrow();
            String name = lock.getFileName().toString();
            Files.createDirectory(lock.resolveSibling(name.substring(0, name.indexOf('.'))));
        }
        assertThat(run("")).as("its own classes only").isEmpty();
        assertThat(run(operators + ":/nowhere/else.jar"))
                .startsWith("status --all|")
                .endsWith(":" + operators + ":/nowhere/else.jar");
    }
}
