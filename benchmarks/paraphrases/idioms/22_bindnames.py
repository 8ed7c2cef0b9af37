import ast

from .errors import EvalError


class Binder:
    """Executes the left-hand side of assignments for the sandboxed evaluator."""

    def __init__(self, scope, protected, evaluate):
        self.scope = scope
        self.protected = protected
        self.evaluate = evaluate

    def bind(self, node, val):
        todo = [(node, val)]
        while todo:
            node, val = todo.pop()

            if isinstance(node, ast.Attribute):
                setattr(self.evaluate(node.value), node.attr, val)
                continue

            if isinstance(node, ast.Subscript):
                container, index = map(self.evaluate, (node.value, node.slice))
                container[index] = val
                continue

            if isinstance(node, ast.Name):
                name = node.id
                if name in self.protected:
                    raise EvalError("'%s' is the name of a tool and must not be overwritten by an assignment" % name)
                self.scope[name] = val
                continue

            if not isinstance(node, ast.Tuple):
                continue

            if isinstance(val, (str, bytes)) or not hasattr(val, "__iter__"):
                raise EvalError("The value on the right cannot be unpacked")
            parts = list(val)
            if len(parts) - len(node.elts):
                raise EvalError("Number of targets and number of values differ")
            # last in, first out: the leftmost target has to come up next
            todo.extend(reversed(list(zip(node.elts, parts))))
