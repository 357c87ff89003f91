// Rules of oxlint that are the project's own.

/** Rejects a class with more lines than the option. */
const maxClassLines = {
  meta: { schema: [{ type: 'integer', minimum: 1 }] },
  create(context) {
    const [max] = context.options;
    const check = (node) => {
      const lines = node.loc.end.line - node.loc.start.line + 1;
      if (lines > max)
        context.report({ node, message: `The class has ${lines} lines. Maximum allowed is ${max}.` });
    };
    return { ClassDeclaration: check, ClassExpression: check };
  },
};

/** Rejects a comment that changes a rule of the linter without a reason, which is ` -- ` and words after it. */
const disableSaysWhy = {
  meta: { schema: [] },
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments())
        if (/^\s*(?:es|ox)lint(?:-\S*)?\s/.test(`${comment.value} `) && !/\s--\s+\S/.test(comment.value))
          context.report({ loc: comment.loc, message: 'Say after -- why the rule does not apply.' });
    },
  }),
};

/** Rejects `RegExp(…)` and `new RegExp(…)`. */
const regexLiterals = {
  meta: { schema: [] },
  create(context) {
    const check = (node) => {
      if (node.callee.name === 'RegExp')
        context.report({
          node,
          message: 'Write the regex as a literal: only literals are checked for linear time.',
        });
    };
    return { NewExpression: check, CallExpression: check };
  },
};

export default {
  meta: { name: 'own' },
  rules: {
    'max-class-lines': maxClassLines,
    'disable-says-why': disableSaysWhy,
    'regex-literals': regexLiterals,
  },
};
