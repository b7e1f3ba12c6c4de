/** Tests of the active's decisions as transcripts, and of the role with its ring and threads. */
@NullMarked
package io.lockstep.activenode;

import org.jspecify.annotations.NullMarked;
