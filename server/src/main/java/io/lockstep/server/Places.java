package io.lockstep.server;

import java.util.List;

/** Where the processes of a cluster run. Called by the thread that starts the cluster. */
public interface Places {
    /** All on the loopback, as they are. */
    Places LOOPBACK = name -> new Place("127.0.0.1", List.of());

    /**
     * Where that process runs; the same at each call.
     *
     * @param name of the process
     */
    Place of(String name);

    /**
     * The place of one process. Immutable, safe from any thread.
     *
     * @param host loopback address on which it listens
     * @param command words that its command begins with, of a program that becomes it (so that its process id stays);
     *     none where it runs as it is
     */
    record Place(String host, List<String> command) {
        public Place {
            command = List.copyOf(command);
        }
    }
}
