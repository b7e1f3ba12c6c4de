/** Tests of the codecs and of connections over real sockets. */
@NullMarked
package io.lockstep.wire;

import org.jspecify.annotations.NullMarked;
