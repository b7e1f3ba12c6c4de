package io.lockstep.tests.mutants;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;

/**
 * Loads the cores, the simulation and the checkers anew, with the patches of all mutants in them; one at most is on at a
 * time. So that they are compiled once for all mutants, not once for each. Used by one thread.
 */
final class MutantLoader extends ClassLoader {
    private static final String OURS = "io.lockstep.";
    private static final Set<String> ANEW = Set.of(
            "membership", "tsdstore", "activenode", "backupnode", "distributor", "tests.simulation", "tests.checkers");
    private static final String SWITCH = Switch.class.getName();
    private static final String VERDICT = "io.lockstep.tests.simulation.Verdict";

    private final ClassLoader shipped;
    /** By class, what is to be changed there, and by which mutant. */
    private final Map<String, List<Change>> changes = new HashMap<>();

    private final LongFunction<@Nullable String> verdict;
    private final Field on;

    private record Change(Mutant mutant, Patch patch, int number) {}

    /** @throws IllegalStateException when a mutant does not apply: the place that it changes is gone */
    MutantLoader(List<Mutant> mutants) {
        super(MutantLoader.class.getClassLoader());
        this.shipped = MutantLoader.class.getClassLoader();
        for (int i = 0; i < mutants.size(); i++) {
            for (Patch patch : mutants.get(i).patches()) {
                changes.computeIfAbsent(OURS + patch.type().replace('/', '.'), same -> new ArrayList<>())
                        .add(new Change(mutants.get(i), patch, i + 1));
            }
        }
        try {
            for (String name : changes.keySet()) {
                loadClass(name);
            }
            this.on = loadClass(SWITCH).getField("on");
            this.verdict = verdict(loadClass(VERDICT).getDeclaredConstructor().newInstance());
        } catch (ReflectiveOperationException broken) {
            throw new IllegalStateException("the simulation cannot be loaded anew: " + broken, broken);
        }
    }

    @SuppressWarnings("unchecked")
    private static LongFunction<@Nullable String> verdict(Object made) {
        return (LongFunction<@Nullable String>) made;
    }

    /** What the schedule of a seed breaks with that mutant on; null when nothing. */
    @Nullable String verdict(int number, long seed) {
        try {
            on.setInt(null, number);
            return verdict.apply(seed);
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        } finally {
            setOff();
        }
    }

    private void setOff() {
        try {
            on.setInt(null, 0);
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!isAnew(name)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded == null) {
                byte[] bytes = bytes(name);
                List<Change> wanted = changes.get(name);
                byte[] patched = wanted == null ? bytes : patch(name, bytes, wanted);
                loaded = defineClass(name, patched, 0, patched.length);
            }
            return loaded;
        }
    }

    private static boolean isAnew(String name) {
        if (name.equals(SWITCH)) {
            return true;
        }
        int end = name.lastIndexOf('.');
        return name.startsWith(OURS) && ANEW.stream().anyMatch(part -> name.startsWith(OURS + part)) && end > 0;
    }

    private byte[] bytes(String name) throws ClassNotFoundException {
        try (InputStream in = shipped.getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            return in.readAllBytes();
        } catch (IOException unreadable) {
            throw new ClassNotFoundException(name, unreadable);
        }
    }

    private record Place(MethodNode method, AbstractInsnNode instruction, Change change) {}

    private byte[] patch(String name, byte[] bytes, List<Change> wanted) {
        ClassNode node = new ClassNode();
        new ClassReader(bytes).accept(node, ClassReader.SKIP_FRAMES);
        List<Place> places = new ArrayList<>();
        for (Change change : wanted) {
            Set<MethodNode> found = new HashSet<>();
            for (MethodNode method : node.methods) {
                AbstractInsnNode place = change.patch.isFor(method) ? change.patch.find(method) : null;
                if (place != null) {
                    found.add(method);
                    places.add(new Place(method, place, change));
                }
            }
            if (found.size() != 1) {
                throw new IllegalStateException("mutant '" + change.mutant.name() + "' does not apply: " + change.patch
                        + " is there " + found.size() + " times in " + name);
            }
        }
        // Found in the shipped code first, so that no patch takes another one's code for its place.
        places.forEach(place -> place.change.patch.apply(place.method, place.instruction, place.change.number));
        ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_FRAMES | ClassWriter.COMPUTE_MAXS) {
            @Override
            protected String getCommonSuperClass(String left, String right) {
                return commonSuperClass(left, right);
            }
        };
        node.accept(writer);
        return writer.toByteArray();
    }

    /** By the shipped classes: those that are being made here cannot be asked. */
    private String commonSuperClass(String left, String right) {
        try {
            Class<?> one = Class.forName(left.replace('/', '.'), false, shipped);
            Class<?> other = Class.forName(right.replace('/', '.'), false, shipped);
            if (one.isInterface() || other.isInterface()) {
                return "java/lang/Object";
            }
            while (!one.isAssignableFrom(other)) {
                one = one.getSuperclass();
            }
            return one.getName().replace('.', '/');
        } catch (ClassNotFoundException missing) {
            throw new IllegalStateException(missing);
        }
    }
}
