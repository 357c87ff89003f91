// Rules of ESLint that are the project's own.

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

/** Rejects a comment that changes a rule of ESLint without a reason, which is ` -- ` and words after it. */
const disableSaysWhy = {
  meta: { schema: [] },
  create: ({ sourceCode, report }) => ({
    Program() {
      for (const comment of sourceCode.getAllComments())
        if (/^\s*eslint(?:-disable\S*)?\s/.test(`${comment.value} `) && !/\s--\s+\S/.test(comment.value))
          report({ loc: comment.loc, message: 'Say after -- why the rule does not apply.' });
    },
  }),
};

export default { rules: { 'max-class-lines': maxClassLines, 'disable-says-why': disableSaysWhy } };
