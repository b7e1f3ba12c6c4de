@NullMarked
package io.lockstep.examples.calls;

import org.jspecify.annotations.NullMarked;
