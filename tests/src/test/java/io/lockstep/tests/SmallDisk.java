package io.lockstep.tests;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A disk of a few kilobytes: a file system in memory at one folder. Used by the test's thread only. */
final class SmallDisk implements AutoCloseable {
    private static final String SIZE = "size=64k";
    private static final int PAGE_BYTES = 4_096;

    private final Path folder;
    private final Path filler;

    private SmallDisk(Path folder) {
        this.folder = folder;
        this.filler = folder.resolve("filler");
    }

    /** Mounts it there; ends the test as not run where that is not allowed. */
    static SmallDisk at(Path folder, String rows) throws IOException {
        Files.createDirectories(folder);
        String said = Program.run("mount", "-t", "tmpfs", "-o", SIZE, "tmpfs", folder.toString());
        if (!said.isEmpty()) {
            String why = "NOT RUN, " + rows + " with a disk that is full: mount said: " + said;
            System.err.println(why);
            abort(why);
        }
        return new SmallDisk(folder);
    }

    /** Leaves no byte of it. */
    void fill() throws IOException {
        try (OutputStream out = Files.newOutputStream(filler)) {
            while (folder.toFile().getUsableSpace() >= 0) {
                out.write(new byte[PAGE_BYTES]);
            }
        } catch (IOException full) {
            if (!String.valueOf(full.getMessage()).contains("No space left")) {
                throw full;
            }
        }
    }

    /** Makes room again. */
    void empty() throws IOException {
        Files.deleteIfExists(filler);
    }

    /**
     * Takes the room away that this part of a file has, as a file system that never writes in place would want other room
     * for it at the next write.
     */
    static void takeRoom(Path file, int from, int bytes) throws IOException {
        String said = Program.run("fallocate", "-p", "-o", "" + from, "-l", "" + bytes, file.toString());
        if (!said.isEmpty()) {
            throw new IOException(said);
        }
    }

    @Override
    public void close() throws IOException {
        String said = Program.run("umount", "-l", folder.toString());
        if (!said.isEmpty()) {
            throw new IOException(said);
        }
    }
}
