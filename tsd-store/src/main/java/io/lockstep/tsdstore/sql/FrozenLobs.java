package io.lockstep.tsdstore.sql;

import java.io.IOException;
import java.io.InputStream;
import java.util.AbstractMap;
import java.util.Set;
import org.h2.engine.Database;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.RootReference;
import org.h2.mvstore.StreamStore;
import org.h2.mvstore.db.LobStorageMap;
import org.h2.value.ValueLob;
import org.h2.value.lob.LobData;
import org.h2.value.lob.LobDataDatabase;
import org.jspecify.annotations.Nullable;

/**
 * Content of large objects as it was at one moment, whatever became of them since. Made by the lane, then touched by one
 * other thread.
 */
final class FrozenLobs {
    private final Frozen<LobStorageMap.BlobMeta> lobs;
    private final Frozen<byte[]> temporary;
    private final StreamStore streams;

    FrozenLobs(Database database) {
        LobStorageMap storage = (LobStorageMap) database.getLobStorage();
        lobs = new Frozen<>(H2Internals.lobs(storage));
        temporary = new Frozen<>(H2Internals.temporaryLobs(storage));
        streams = new StreamStore(new Frozen<>(H2Internals.lobBlocks(storage)));
    }

    /** The object's bytes; those of a CLOB are UTF-8. */
    byte[] read(ValueLob lob) {
        byte[] content = find(lob);
        if (content == null) {
            throw new IllegalStateException("large object " + lob + " is named and not there");
        }
        return content;
    }

    /** The object's bytes; null when it was gone already. */
    byte @Nullable [] find(ValueLob lob) {
        LobData data = lob.getLobData();
        if (!(data instanceof LobDataDatabase stored)) {
            return lob.getBytes();
        }
        byte[] stream = temporary.get(stored.getLobId());
        if (stream == null) {
            LobStorageMap.BlobMeta meta = lobs.get(stored.getLobId());
            if (meta == null) {
                return null;
            }
            stream = meta.streamStoreId;
        }
        try (InputStream in = streams.get(stream)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException("large object " + stored.getLobId() + " cannot be read", e);
        }
    }

    /** A map of H2's at one moment: its pages are never changed, only replaced. */
    private static final class Frozen<V> extends AbstractMap<Long, V> {
        private final MVMap<Long, V> map;
        private final RootReference<Long, V> root;

        Frozen(MVMap<Long, V> map) {
            this.map = map;
            this.root = map.flushAndGetRoot();
        }

        @Override
        public @Nullable V get(Object key) {
            return map.get(root.root, (Long) key);
        }

        @Override
        public Set<Entry<Long, V>> entrySet() {
            throw new UnsupportedOperationException("only looked up by key");
        }
    }
}
