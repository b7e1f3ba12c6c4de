package io.lockstep.server.drill;

/**
 * What a node's process costs. Immutable, safe from any thread.
 *
 * @param node its name
 * @param residentBytes memory that the system gave it
 * @param cpuMsPerSecond processor time that it uses in a second while nothing is asked of it
 * @param threads how many it has
 * @param heapUsedBytes heap in use while idle
 * @param heapPeakBytes most heap that was seen in use during the load
 * @param heapMaxBytes limit of its heap
 */
record NodeCost(
        String node,
        long residentBytes,
        double cpuMsPerSecond,
        int threads,
        long heapUsedBytes,
        long heapPeakBytes,
        long heapMaxBytes) {

    /** The same with the most heap that was seen so far. */
    NodeCost withHeapPeak(long seenBytes) {
        return new NodeCost(
                node,
                residentBytes,
                cpuMsPerSecond,
                threads,
                heapUsedBytes,
                Math.max(heapPeakBytes, seenBytes),
                heapMaxBytes);
    }
}
