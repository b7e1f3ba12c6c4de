package io.lockstep.tests;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What ARCHITECTURE.md says about who may use whom, checked against the compiled classes. Each rule first makes sure
 * that it has something to judge, and the strictest is shown to bite.
 */
class ArchitectureTest {
    private static final String OURS = "io.lockstep.";

    /** Which modules each module may use; downward along a message's path. Modules are named by their package. */
    private static final Map<String, Set<String>> MAY_USE = Map.of(
            "wire", Set.of(),
            "sqlwire", Set.of(),
            "membership", Set.of("wire"),
            "tsdstore", Set.of("wire", "sqlwire"),
            "activenode", Set.of("wire", "membership", "tsdstore"),
            "backupnode", Set.of("wire", "membership", "tsdstore"),
            "distributor", Set.of("wire", "membership"),
            "jdbc", Set.of("wire", "sqlwire", "distributor"),
            "server", Set.of("wire", "membership", "tsdstore", "activenode", "backupnode", "distributor"),
            "examples", Set.of("wire", "tsdstore", "distributor"));

    /** Where each borrowed library lives; everybody else meets an interface of ours. */
    private static final Map<String, Set<String>> LIVES_IN = Map.ofEntries(
            // The codec's benchmark hands it buffers.
            Map.entry("io.netty", Set.of("wire", "tests")),
            Map.entry("com.hazelcast", Set.of("membership")),
            Map.entry("org.apache.curator", Set.of("membership")),
            Map.entry("org.apache.zookeeper", Set.of("membership")),
            Map.entry("org.h2", Set.of("sqlwire", "tsdstore", "jdbc")),
            Map.entry("com.zaxxer.hikari", Set.of("tsdstore")),
            Map.entry("com.lmax.disruptor", Set.of("activenode")),
            Map.entry("io.github.resilience4j", Set.of("distributor")),
            // The differential test reads the status of the processes that it compares.
            Map.entry("com.fasterxml.jackson", Set.of("server", "tests")),
            Map.entry("org.snakeyaml", Set.of("server")),
            Map.entry("me.tongfei", Set.of("server")),
            // The tests module adds subcommands and loads to the command line, so it speaks these two with the server.
            Map.entry("picocli", Set.of("server", "tests")),
            Map.entry("org.HdrHistogram", Set.of("server", "tests")),
            // Takes single rules out of the compiled cores, to see whether the simulation notices.
            Map.entry("org.objectweb.asm", Set.of("tests")),
            Map.entry("org.openjdk.jmh", Set.of("tests")));

    /** Decision cores that are not called {@code …Core}. */
    private static final Set<String> ALSO_CORES = Set.of("RegisterProposer", "RegisterAcceptor", "TsdStore");

    /** Every module whose decisions the simulator must be able to drive. */
    private static final Set<String> MODULES_WITH_CORES =
            Set.of("membership", "tsdstore", "activenode", "backupnode", "distributor");

    /** Settings name their peers by it; it neither opens nor finds anything once it is built. */
    private static final String ADDRESS_AS_A_VALUE = "java.net.InetSocketAddress";

    private static final JavaClasses SHIPPED = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/") && !location.contains("/jmh_generated/"))
            .importPackages("io.lockstep");

    private static final DescribedPredicate<JavaClass> THREAD_SOCKET_FILE_OR_CHANCE = describe(
            "are threads, locks, sockets, files or unseeded chance",
            type -> (Stream.of(
                                            "java.net.",
                                            "java.nio.file.",
                                            "java.nio.channels.",
                                            "java.util.concurrent.locks.",
                                            "io.netty.",
                                            "com.hazelcast.",
                                            "org.apache.curator.")
                                    .anyMatch(type.getName()::startsWith)
                            && !ADDRESS_AS_A_VALUE.equals(type.getName()))
                    || Set.of(
                                    "java.lang.Thread",
                                    "java.lang.ThreadLocal",
                                    "java.lang.ProcessBuilder",
                                    "java.io.File",
                                    "java.io.FileInputStream",
                                    "java.io.FileOutputStream",
                                    "java.io.FileReader",
                                    "java.io.FileWriter",
                                    "java.io.RandomAccessFile",
                                    "java.security.SecureRandom",
                                    "java.util.Timer",
                                    "java.util.concurrent.CompletableFuture",
                                    "java.util.concurrent.Executor",
                                    "java.util.concurrent.ExecutorService",
                                    "java.util.concurrent.Executors",
                                    "java.util.concurrent.ForkJoinPool",
                                    "java.util.concurrent.ScheduledExecutorService",
                                    "java.util.concurrent.ThreadLocalRandom")
                            .contains(type.getName()));

    private static final DescribedPredicate<JavaAccess<?>> CLOCK_OR_UNSEEDED_RANDOM =
            describe("is the clock or an unseeded random source", access -> {
                var owner = access.getTargetOwner().getName();
                var name = access.getName();
                return switch (owner) {
                    case "java.lang.System" -> name.equals("nanoTime") || name.equals("currentTimeMillis");
                    case "java.lang.Math" -> name.equals("random");
                    case "java.util.UUID" -> name.equals("randomUUID");
                    case "java.util.Random", "java.util.SplittableRandom", "java.util.Date" ->
                        name.equals("<init>")
                                && access.getTarget().getFullName().endsWith("()");
                    default -> owner.startsWith("java.time.") && (name.equals("now") || name.startsWith("system"));
                };
            });

    @TestFactory
    Stream<DynamicTest> dependsOnlyDownward() {
        return forEach(MAY_USE, (module, mayUse) -> {
            assertThat(classesOf(module)).as("classes of %s", module).isNotEmpty();
            var forbidden = Stream.concat(MAY_USE.keySet().stream(), Stream.of("tests"))
                    .filter(other -> !other.equals(module) && !mayUse.contains(other))
                    .map(other -> OURS + other + "..")
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage(OURS + module + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden)
                    .check(SHIPPED);
        });
    }

    @Test
    void knowsEveryModule() {
        var modules = SHIPPED.stream().map(ArchitectureTest::moduleOf).collect(Collectors.toCollection(TreeSet::new));
        assertThat(modules).containsAll(MAY_USE.keySet()).allMatch(m -> MAY_USE.containsKey(m) || m.equals("tests"));
    }

    @TestFactory
    Stream<DynamicTest> keepsEachBorrowedLibraryInItsHome() {
        return forEach(LIVES_IN, (library, homes) -> {
            var users = SHIPPED.stream()
                    .filter(type -> type.getDirectDependenciesFromSelf().stream()
                            .anyMatch(to -> to.getTargetClass().getPackageName().startsWith(library)))
                    .map(ArchitectureTest::moduleOf)
                    .collect(Collectors.toSet());
            assertThat(users).as("modules that use %s", library).isNotEmpty().isSubsetOf(homes);
        });
    }

    @Test
    void drivesEveryModuleThatDecidesThroughACore() {
        var found = cores(SHIPPED).stream().map(ArchitectureTest::moduleOf).collect(Collectors.toSet());
        assertThat(found).containsAll(MODULES_WITH_CORES);
        assertThat(cores(SHIPPED).stream().map(JavaClass::getSimpleName)).containsAll(ALSO_CORES);
    }

    @Test
    void keepsThreadsSocketsFilesClockAndChanceOutOfTheDecisionCores() {
        assertThat(withAllTheyUse(cores(SHIPPED))).hasSizeGreaterThan(MODULES_WITH_CORES.size());
        onlyDecides(withAllTheyUse(cores(SHIPPED))).check(SHIPPED);
    }

    @Test
    void noticesWhenACoreReadsTheClockThroughAHelper() {
        var planted = new ClassFileImporter().importClasses(PlantedCore.class, PlantedHelper.class);
        var reached = withAllTheyUse(cores(planted));
        assertThat(reached).hasSize(2);
        assertThatThrownBy(() -> onlyDecides(reached).check(planted))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("nanoTime")
                .hasMessageContaining("java.lang.Thread")
                .hasMessageContaining("java.util.Random");
    }

    @Test
    void saysOfEveryPackageThatItIsNullMarked() {
        var packages = SHIPPED.stream()
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .map(JavaClass::getPackage)
                .collect(Collectors.toSet());
        assertThat(packages).isNotEmpty().allSatisfy(p -> assertThat(p.isAnnotatedWith(NullMarked.class))
                .as("package-info.java of %s with @NullMarked", p.getName())
                .isTrue());
    }

    @Test
    void endsTheProcessOnlyWhereProcessesAreAssembled() {
        classes()
                .that(describe("call System.exit or Runtime.halt", type -> type.getMethodCallsFromSelf().stream()
                        .anyMatch(call -> (call.getTargetOwner().isEquivalentTo(System.class)
                                        && call.getName().equals("exit"))
                                || (call.getTargetOwner().isEquivalentTo(Runtime.class)
                                        && Set.of("halt", "exit").contains(call.getName())))))
                .should()
                .resideInAnyPackage(OURS + "server..", OURS + "tests.bench..")
                .check(SHIPPED);
    }

    private static ArchRule onlyDecides(Set<JavaClass> cores) {
        return noClasses()
                .that(describe("are decision cores or used by one", cores::contains))
                .should()
                .dependOnClassesThat(THREAD_SOCKET_FILE_OR_CHANCE)
                .orShould()
                .accessTargetWhere(CLOCK_OR_UNSEEDED_RANDOM)
                .because(
                        "the simulator runs the shipped classes: time and chance are handed in, effects are called out");
    }

    private static Set<JavaClass> cores(JavaClasses among) {
        return among.stream()
                .filter(type -> type.getSimpleName().endsWith("Core") || ALSO_CORES.contains(type.getSimpleName()))
                .collect(Collectors.toSet());
    }

    private static Set<JavaClass> withAllTheyUse(Set<JavaClass> cores) {
        Set<JavaClass> reached = new HashSet<>(cores);
        Deque<JavaClass> open = new ArrayDeque<>(cores);
        while (!open.isEmpty()) {
            open.pop().getDirectDependenciesFromSelf().stream()
                    .map(Dependency::getTargetClass)
                    .map(JavaClass::getBaseComponentType)
                    .filter(type -> type.getName().startsWith(OURS))
                    .filter(reached::add)
                    .forEach(open::push);
        }
        return reached;
    }

    private static Stream<DynamicTest> forEach(
            Map<String, Set<String>> table, BiConsumer<String, Set<String>> expectation) {
        return table.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(row ->
                        DynamicTest.dynamicTest(row.getKey(), () -> expectation.accept(row.getKey(), row.getValue())));
    }

    private static List<JavaClass> classesOf(String module) {
        return SHIPPED.stream().filter(type -> moduleOf(type).equals(module)).toList();
    }

    /** {@code tsdstore} of {@code io.lockstep.tsdstore.Records}. */
    private static String moduleOf(JavaClass type) {
        var rest = type.getName().substring(OURS.length());
        return rest.substring(0, rest.indexOf('.'));
    }

    /** Breaks the rule by way of another class, as a careless change would. */
    static final class PlantedCore {
        long decide() {
            return new PlantedHelper().now() + new java.util.Random().nextLong();
        }
    }

    static final class PlantedHelper {
        long now() {
            Thread.onSpinWait();
            return System.nanoTime();
        }
    }
}
