package io.lockstep.tests;

import io.lockstep.tsdstore.EffectRunner;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;

/**
 * Appends a line for each effect to a file outside of the database, and does not end while a file says so. Touched only
 * by the thread 'outside'.
 */
public final class AppendingRunner implements EffectRunner {
    static final String NAME = "append";

    /** The file of all effects: payload and key, a line each. */
    static final String EFFECTS = "effects";

    /** While this file is there, an effect whose line is written does not end. */
    static final String HOLD = "hold";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void run(Key key, byte[] payload) throws Exception {
        Path folder = Path.of(System.getProperty(PoisonService.OUTSIDE));
        String line = new String(payload, StandardCharsets.UTF_8) + " " + key.session() + " " + key.requestId() + " "
                + key.ordinal() + "\n";
        Files.writeString(folder.resolve(EFFECTS), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        try (WatchService deletions = folder.getFileSystem().newWatchService()) {
            folder.register(deletions, StandardWatchEventKinds.ENTRY_DELETE);
            while (Files.exists(folder.resolve(HOLD))) {
                deletions.take().reset();
            }
        }
    }
}
