/** Checks on the whole: the architecture, the documents, and drills with everything in them. */
@NullMarked
package io.lockstep.tests;

import org.jspecify.annotations.NullMarked;
