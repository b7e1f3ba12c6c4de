package io.lockstep.tests.mutants;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.InsnList;
import org.objectweb.asm.tree.InsnNode;
import org.objectweb.asm.tree.JumpInsnNode;
import org.objectweb.asm.tree.LabelNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.objectweb.asm.tree.MethodInsnNode;
import org.objectweb.asm.tree.MethodNode;

/**
 * A change of one place in one method of a compiled class, which takes effect while its mutant is on. Immutable.
 *
 * @param type the class, below {@code io.lockstep}, as {@code backupnode/BackupCore}
 * @param method its name; with a star at the end, a prefix of it, as of lambdas
 * @param anchor name of the method or field that marks the place; empty for the method's beginning
 * @param nth of several such places, counted from 0
 * @param change what is done there
 * @param other method that is called instead; empty for other changes
 */
public record Patch(String type, String method, String anchor, int nth, Change change, String other) {
    /** What is done at a place. */
    public enum Change {
        /** The method returns at once: nothing, false, zero or null. */
        RETURNS,
        /** The method returns true, or one, at once. */
        RETURNS_TRUE,
        /** The call or write that is the anchor does not take place; it would give false, zero or null. */
        SKIPS,
        /** Another method of the same class and form is called. */
        CALLS_OTHER,
        /** The static call that is the anchor gives its first argument. */
        GIVES_FIRST,
        /** The static call that is the anchor gives its second argument. */
        GIVES_SECOND,
        /** The first condition behind the anchor jumps, whatever it finds. */
        JUMPS,
        /** The first condition behind the anchor never jumps. */
        FALLS_THROUGH
    }

    Patch(String type, String method, String anchor, int nth, Change change) {
        this(type, method, anchor, nth, change, "");
    }

    static Patch returns(String type, String method) {
        return new Patch(type, method, "", 0, Change.RETURNS);
    }

    static Patch returnsTrue(String type, String method) {
        return new Patch(type, method, "", 0, Change.RETURNS_TRUE);
    }

    static Patch skips(String type, String method, String anchor) {
        return new Patch(type, method, anchor, 0, Change.SKIPS);
    }

    static Patch jumps(String type, String method, String anchor, int nth) {
        return new Patch(type, method, anchor, nth, Change.JUMPS);
    }

    static Patch fallsThrough(String type, String method, String anchor, int nth) {
        return new Patch(type, method, anchor, nth, Change.FALLS_THROUGH);
    }

    boolean isFor(MethodNode node) {
        return method.endsWith("*")
                ? node.name.startsWith(method.substring(0, method.length() - 1))
                : node.name.equals(method);
    }

    /** The instruction that it changes, in one method; null when it is not there. */
    @Nullable AbstractInsnNode find(MethodNode node) {
        if (anchor.isEmpty()) {
            return node.instructions.getFirst();
        }
        List<AbstractInsnNode> anchors = new ArrayList<>();
        for (AbstractInsnNode each : node.instructions) {
            if (isAnchor(each)) {
                anchors.add(each);
            }
        }
        if (nth >= anchors.size()) {
            return null;
        }
        AbstractInsnNode place = anchors.get(nth);
        if (change == Change.JUMPS || change == Change.FALLS_THROUGH) {
            while (place != null && !isCondition(place)) {
                place = place.getNext();
            }
        }
        return place;
    }

    private boolean isAnchor(AbstractInsnNode each) {
        if (each instanceof MethodInsnNode call) {
            return call.name.equals(anchor);
        }
        return each instanceof FieldInsnNode field
                && field.name.equals(anchor)
                && (change == Change.SKIPS) == (field.getOpcode() == Opcodes.PUTFIELD);
    }

    private static boolean isCondition(AbstractInsnNode each) {
        int code = each.getOpcode();
        return (code >= Opcodes.IFEQ && code <= Opcodes.IF_ACMPNE)
                || code == Opcodes.IFNULL
                || code == Opcodes.IFNONNULL;
    }

    /** Changes the place, for as long as the mutant of that number is on. */
    void apply(MethodNode node, AbstractInsnNode place, int number) {
        LabelNode unchanged = new LabelNode();
        InsnList code = new InsnList();
        code.add(new FieldInsnNode(Opcodes.GETSTATIC, "io/lockstep/tests/mutants/Switch", "on", "I"));
        code.add(new LdcInsnNode(number));
        code.add(new JumpInsnNode(Opcodes.IF_ICMPNE, unchanged));
        LabelNode after = new LabelNode();
        switch (change) {
            case RETURNS -> {
                Type result = Type.getReturnType(node.desc);
                push(code, result);
                code.add(new InsnNode(result.getOpcode(Opcodes.IRETURN)));
            }
            case RETURNS_TRUE -> {
                code.add(new InsnNode(Opcodes.ICONST_1));
                code.add(new InsnNode(Opcodes.IRETURN));
            }
            case SKIPS -> {
                skip(code, place);
                code.add(new JumpInsnNode(Opcodes.GOTO, after));
            }
            case CALLS_OTHER -> {
                MethodInsnNode call = (MethodInsnNode) place;
                code.add(new MethodInsnNode(call.getOpcode(), call.owner, other, call.desc, call.itf));
                code.add(new JumpInsnNode(Opcodes.GOTO, after));
            }
            case GIVES_FIRST -> {
                code.add(new InsnNode(Opcodes.POP2));
                code.add(new JumpInsnNode(Opcodes.GOTO, after));
            }
            case GIVES_SECOND -> {
                code.add(new InsnNode(Opcodes.DUP2_X2));
                code.add(new InsnNode(Opcodes.POP2));
                code.add(new InsnNode(Opcodes.POP2));
                code.add(new JumpInsnNode(Opcodes.GOTO, after));
            }
            case JUMPS, FALLS_THROUGH -> {
                boolean isPair = place.getOpcode() >= Opcodes.IF_ICMPEQ && place.getOpcode() <= Opcodes.IF_ACMPNE;
                code.add(new InsnNode(isPair ? Opcodes.POP2 : Opcodes.POP));
                LabelNode target = change == Change.JUMPS ? ((JumpInsnNode) place).label : after;
                code.add(new JumpInsnNode(Opcodes.GOTO, target));
            }
        }
        code.add(unchanged);
        if (change != Change.RETURNS && change != Change.RETURNS_TRUE) {
            node.instructions.insert(place, after);
        }
        node.instructions.insertBefore(place, code);
    }

    private static void skip(InsnList code, AbstractInsnNode place) {
        if (place instanceof MethodInsnNode call) {
            Type[] arguments = Type.getArgumentTypes(call.desc);
            for (int i = arguments.length - 1; i >= 0; i--) {
                code.add(new InsnNode(arguments[i].getSize() == 2 ? Opcodes.POP2 : Opcodes.POP));
            }
            if (call.getOpcode() != Opcodes.INVOKESTATIC) {
                code.add(new InsnNode(Opcodes.POP));
            }
            push(code, Type.getReturnType(call.desc));
        } else {
            FieldInsnNode write = (FieldInsnNode) place;
            code.add(new InsnNode(Type.getType(write.desc).getSize() == 2 ? Opcodes.POP2 : Opcodes.POP));
            code.add(new InsnNode(Opcodes.POP));
        }
    }

    private static void push(InsnList code, Type type) {
        switch (type.getSort()) {
            case Type.VOID -> {}
            case Type.LONG -> code.add(new InsnNode(Opcodes.LCONST_0));
            case Type.DOUBLE -> code.add(new InsnNode(Opcodes.DCONST_0));
            case Type.OBJECT, Type.ARRAY -> code.add(new InsnNode(Opcodes.ACONST_NULL));
            default -> code.add(new InsnNode(Opcodes.ICONST_0));
        }
    }
}
