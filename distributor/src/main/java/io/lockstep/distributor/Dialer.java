package io.lockstep.distributor;

import io.lockstep.wire.ConnectionListener;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** How a client gets a channel to a distributor. Called by the thread {@code client}. */
interface Dialer extends AutoCloseable {
    /**
     * Tries once; the listener or {@code onFailure} hears of it, on any thread.
     *
     * @param attempt counts the attempts of this client, from 0
     */
    void dial(int attempt, ConnectionListener listener, Consumer<String> onFailure);

    /** How many distributors there are to choose from. */
    int choices();

    @Override
    void close();

    /** To one of several distributors over the network, each in its turn. */
    final class ToNetwork implements Dialer {
        private static final Duration CONNECT_LIMIT = Duration.ofSeconds(1);

        private final List<InetSocketAddress> addresses;
        private final Transport transport;

        ToNetwork(List<InetSocketAddress> addresses, Transport transport) {
            this.addresses = addresses;
            this.transport = transport;
        }

        @Override
        public void dial(int attempt, ConnectionListener listener, Consumer<String> onFailure) {
            InetSocketAddress address = addresses.get(attempt % addresses.size());
            transport.connect(
                    address,
                    CONNECT_LIMIT,
                    listener,
                    failure -> onFailure.accept("distributor at " + address + ": " + failure));
        }

        @Override
        public int choices() {
            return addresses.size();
        }

        @Override
        public void close() {
            transport.close();
        }
    }

    /** To the distributor inside this process, which the client owns. */
    final class ToEmbedded implements Dialer {
        private final Distributor distributor;
        private final Peer self;

        ToEmbedded(Distributor distributor, Peer self) {
            this.distributor = distributor;
            this.self = self;
        }

        @Override
        public void dial(int attempt, ConnectionListener listener, Consumer<String> onFailure) {
            distributor.connectInProcess(self, listener);
        }

        @Override
        public int choices() {
            return 1;
        }

        @Override
        public void close() {
            distributor.close();
        }
    }
}
