package io.lockstep.tests;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Documents that cannot go stale quietly: what they name must be there. */
class DocumentsTest {
    private static final Path ROOT = root();

    /** Names in backticks that look like ours and are not: the JDK's and those of the libraries that we speak about. */
    private static final Set<String> FOREIGN = Set.of(
            "ServiceLoader",
            "RingBuffer",
            "BatchEventProcessor",
            "SequenceBarrier",
            "HikariCP",
            "NullAway",
            "ByteBuf",
            "LongSupplier",
            "CompletionStage",
            "ProcessBuilder",
            "SQLException",
            "Connection",
            "Random",
            "Thread",
            "Duration");

    private static final Pattern IN_BACKTICKS = Pattern.compile("`([^`\\n]+)`");
    /** {@code Class}, {@code Class.member}, {@code Class.member(anything)}, {@code Outer.Inner.member}. */
    private static final Pattern NAME =
            Pattern.compile("((?:[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*\\.)*[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)"
                    + "(?:[.#]([a-z][A-Za-z0-9]*|[A-Z][A-Z0-9_]+))?(?:\\(.*\\))?");

    private static final Pattern CONSTANT = Pattern.compile("[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:\\s]+)(?:#[^)]*)?\\)");

    private static final Names OUR_NAMES = Names.ofCompiledClasses();

    @ParameterizedTest
    @ValueSource(strings = {"ARCHITECTURE.md", "README.md", "GLOSSARY.md"})
    void namesOnlyClassesAndMembersThatExist(String document) throws IOException {
        var checked = new ArrayList<String>();
        var gone = new ArrayList<String>();
        for (String name : namesIn(read(document))) {
            checked.add(name);
            if (!OUR_NAMES.has(name)) {
                gone.add(name);
            }
        }
        assertThat(gone).as("named in %s and not in the code", document).isEmpty();
        if (document.equals("ARCHITECTURE.md")) {
            assertThat(checked).as("names that were checked").hasSizeGreaterThan(20);
        }
    }

    @Test
    void noticesWhatIsGone() {
        var names = namesIn("`TransactionService`, `TransactionService.gone`, `GoneClass.onMessage`, `GONE_CODE`,"
                + " `NOT_ACTIVE`, `ServiceLoader`, `mvn verify`, `--kills N`");
        assertThat(names)
                .containsExactly(
                        "TransactionService",
                        "TransactionService.gone",
                        "GoneClass.onMessage",
                        "GONE_CODE",
                        "NOT_ACTIVE");
        assertThat(names.stream().filter(OUR_NAMES::has)).containsExactly("TransactionService", "NOT_ACTIVE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ARCHITECTURE.md", "README.md", "GLOSSARY.md", "CHANGELOG.md", "docs/settings.md"})
    void linksOnlyToFilesThatExist(String document) throws IOException {
        var links = LINK.matcher(read(document)).results().map(m -> m.group(1)).toList();
        assertThat(links).as("links of %s", document).allSatisfy(link -> assertThat(ROOT.resolve(link))
                .exists());
    }

    @Test
    void keepsTheReadmeOnOneScreen() throws IOException {
        assertThat(read("README.md").lines()).hasSizeLessThanOrEqualTo(60);
    }

    @Test
    void checksEverythingUnlessTheCommandLineSaysFast() throws IOException {
        var defaults = ROOT.resolve(".mvn/maven.config");
        assertThat(Files.exists(defaults) ? Files.readString(defaults, UTF_8) : "")
                .doesNotContain("fast");
    }

    @Test
    void explainsEachWordOnce() throws IOException {
        var words = read("GLOSSARY.md")
                .lines()
                .filter(line -> line.startsWith("| **"))
                .map(line -> line.substring(4, line.indexOf("**", 4)))
                .toList();
        assertThat(words).hasSizeGreaterThan(30).doesNotHaveDuplicates();
    }

    private static List<String> namesIn(String text) {
        return IN_BACKTICKS
                .matcher(text)
                .results()
                .map(m -> m.group(1))
                .filter(word -> {
                    var name = NAME.matcher(word);
                    return name.matches()
                            ? !FOREIGN.contains(name.group(1))
                            : CONSTANT.matcher(word).matches();
                })
                .toList();
    }

    private static String read(String document) throws IOException {
        assertThat(ROOT.resolve(document)).exists();
        return Files.readString(ROOT.resolve(document), UTF_8);
    }

    /** The folder with {@code ./lockstep} in it: here when the tests run from the root, else above. */
    private static Path root() {
        var folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("lockstep"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            throw new IllegalStateException("no folder above the working directory holds ./lockstep");
        }
        return folder;
    }

    /** Everything that our code calls something: classes by simple name, with nesting, their members, constants. */
    private record Names(Map<String, Set<String>> membersByClass, Set<String> constants) {
        static Names ofCompiledClasses() {
            Map<String, Set<String>> members = new HashMap<>();
            Set<String> constants = new HashSet<>();
            for (JavaClass type : new ClassFileImporter().importPackages("io.lockstep")) {
                var nested = type.getName()
                        .substring(type.getPackageName().length() + 1)
                        .replace('$', '.');
                for (String name : List.of(nested, type.getSimpleName())) {
                    var ofClass = members.computeIfAbsent(name, ignored -> new HashSet<>());
                    type.getAllMethods().forEach(method -> ofClass.add(method.getName()));
                    type.getAllFields().forEach(field -> ofClass.add(field.getName()));
                }
                type.getFields().stream()
                        .map(JavaField::getName)
                        .filter(name -> CONSTANT.matcher(name).matches())
                        .forEach(constants::add);
            }
            return new Names(members, constants);
        }

        boolean has(String word) {
            var name = NAME.matcher(word);
            if (!name.matches()) {
                return constants.contains(word);
            }
            var members = membersByClass.get(name.group(1));
            return members != null && (name.group(2) == null || members.contains(name.group(2)));
        }
    }
}
