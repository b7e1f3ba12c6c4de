package io.lockstep.server;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether the heap is nearly full of what is in use. Touched only by the node agent.
 *
 * <p>H2 keeps what a statement sorts or groups in memory, where no limit of its own holds in a database without files. What
 * the collector found in use is all that can be known of it from outside, so it is looked at once after each collection.
 */
final class HeapGuard {
    private final double share;
    /** Where what lives for long is; null where there is no such pool, and then the heap is never short. */
    private final @Nullable MemoryPoolMXBean old;

    /** Those that collect there. */
    private final List<GarbageCollectorMXBean> collectors = new ArrayList<>();

    private long lastCollections;

    /** @param percent of the memory for what lives long, in use after a collection, 1 to 100 */
    HeapGuard(int percent) {
        this.share = percent / 100.0;
        MemoryPoolMXBean found = null;
        for (MemoryPoolMXBean each : ManagementFactory.getMemoryPoolMXBeans()) {
            boolean isOld = each.getType() == MemoryType.HEAP && each.isCollectionUsageThresholdSupported();
            boolean isLargest = found == null || max(each) > max(found);
            found = isOld && isLargest ? each : found;
        }
        this.old = found;
        for (GarbageCollectorMXBean each : ManagementFactory.getGarbageCollectorMXBeans()) {
            if (found != null && List.of(each.getMemoryPoolNames()).contains(found.getName())) {
                collectors.add(each);
            }
        }
    }

    private static long max(MemoryPoolMXBean of) {
        MemoryUsage usage = of.getUsage();
        return usage == null ? 0 : usage.getMax();
    }

    /** Whether a collection since the last look has left more in use than is allowed. */
    boolean isShort() {
        long collections = 0;
        for (GarbageCollectorMXBean each : collectors) {
            collections += each.getCollectionCount();
        }
        if (old == null || collections == lastCollections) {
            return false;
        }
        lastCollections = collections;
        MemoryUsage left = old.getCollectionUsage();
        MemoryUsage now = old.getUsage();
        return left != null && now != null && Math.min(left.getUsed(), now.getUsed()) > share * now.getMax();
    }
}
