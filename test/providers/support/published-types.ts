import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseSync, type Statement, type TSSignature, type TSType, type TSTypeName } from 'oxc-parser';

/** A type as an SDK declares it, as far as JSON can hold its values. */
export type PublishedType =
  | { kind: 'text' }
  | { kind: 'number' }
  | { kind: 'flag' }
  | { kind: 'literal'; value: string | number | boolean }
  /** Null. */
  | { kind: 'nothing' }
  /** What is not there, or has no form in JSON. */
  | { kind: 'absent' }
  /** Any JSON object. */
  | { kind: 'free' }
  | { kind: 'list'; of: () => PublishedType }
  | { kind: 'union'; of: (() => PublishedType)[] }
  | { kind: 'object'; members: readonly Member[] }
  /** What the reader does not understand. */
  | { kind: 'unread'; what: string };

export interface Member {
  name: string;
  isOptional: boolean;
  type: () => PublishedType;
}

const require = createRequire(import.meta.url);

/**
 * Reads a type out of a package's declarations.
 *
 * @param file in the package's folder.
 * @param name with its namespaces, as in `ChatCompletion.Choice`.
 */
export function publishedType(packageName: string, file: string, name: string): PublishedType {
  const folder = require.resolve
    .paths(packageName)
    ?.map((path) => join(path, packageName))
    .find((path) => existsSync(join(path, 'package.json')));
  if (folder === undefined) throw new Error(`no ${packageName}`);
  return moduleOf(join(folder, file)).type(name.split('.'));
}

const modules = new Map<string, DeclarationFile>();

function moduleOf(path: string): DeclarationFile {
  const known = modules.get(path);
  if (known) return known;
  const module = new DeclarationFile(path);
  modules.set(path, module);
  return module;
}

interface Scope {
  /** Declarations by name; interfaces may be declared more than once. */
  types: Map<string, Statement[]>;
  namespaces: Map<string, Scope>;
  outer: Scope | null;
}

function newScope(outer: Scope | null): Scope {
  return { types: new Map(), namespaces: new Map(), outer };
}

class DeclarationFile {
  readonly #path: string;
  readonly #root = newScope(null);
  readonly #imports = new Map<string, { from: string; name: string | null }>();

  constructor(path: string) {
    this.#path = path;
    const { program, errors } = parseSync(path, readFileSync(path, 'utf8'));
    if (errors.length > 0) throw new Error(`cannot read ${path}`);
    this.#declare(program.body as Statement[], this.#root);
  }

  type(names: readonly string[]): PublishedType {
    return this.#find(names, this.#root) ?? { kind: 'unread', what: names.join('.') };
  }

  #declare(statements: readonly Statement[], scope: Scope): void {
    for (const statement of statements) {
      if (statement.type === 'ImportDeclaration') this.#import(statement);
      else if (statement.type === 'ExportNamedDeclaration') this.#declareExport(statement, scope);
      else this.#add(statement, scope);
    }
  }

  #declareExport(statement: Extract<Statement, { type: 'ExportNamedDeclaration' }>, scope: Scope): void {
    if (statement.declaration) this.#add(statement.declaration as Statement, scope);
    for (const { local, exported } of statement.specifiers) {
      const name = 'name' in exported ? exported.name : exported.value;
      const of = 'name' in local ? local.name : local.value;
      if (statement.source) this.#imports.set(name, { from: statement.source.value, name: of });
    }
  }

  #import(statement: Extract<Statement, { type: 'ImportDeclaration' }>): void {
    for (const specifier of statement.specifiers) {
      const imported = specifier.type === 'ImportSpecifier' ? specifier.imported : null;
      const name = imported && ('name' in imported ? imported.name : imported.value);
      this.#imports.set(specifier.local.name, { from: statement.source.value, name });
    }
  }

  #add(statement: Statement, scope: Scope): void {
    if (statement.type === 'TSModuleDeclaration') {
      if (statement.id.type !== 'Identifier' || statement.body?.type !== 'TSModuleBlock') return;
      const inner = scope.namespaces.get(statement.id.name) ?? newScope(scope);
      scope.namespaces.set(statement.id.name, inner);
      this.#declare(statement.body.body as Statement[], inner);
    } else if (statement.type === 'VariableDeclaration') {
      for (const { id } of statement.declarations) if (id.type === 'Identifier') this.#put(id.name, statement, scope);
    } else if ('id' in statement && statement.id?.type === 'Identifier') this.#put(statement.id.name, statement, scope);
  }

  #put(name: string, statement: Statement, scope: Scope): void {
    const all = scope.types.get(name);
    if (all) all.push(statement);
    else scope.types.set(name, [statement]);
  }

  #find(names: readonly string[], scope: Scope): PublishedType | null {
    const [first = '', ...rest] = names;
    for (let at: Scope | null = scope; at; at = at.outer) {
      const found = this.#within(names, at);
      if (found) return found;
    }
    const imported = this.#imports.get(first);
    if (!imported?.from.startsWith('.')) return null;
    const path = join(dirname(this.#path), imported.from.replace(/\.m?js$/, ''));
    const file = [`${path}.d.ts`, `${path}/index.d.ts`].find(existsSync);
    return file === undefined ? null : moduleOf(file).type(imported.name === null ? rest : [imported.name, ...rest]);
  }

  #within([first = '', ...rest]: readonly string[], scope: Scope): PublishedType | null {
    if (rest.length > 0) {
      const inner = scope.namespaces.get(first);
      return inner ? this.#within(rest, inner) : null;
    }
    const declared = scope.types.get(first);
    return declared ? this.#declared(declared, first, scope) : null;
  }

  #declared(statements: readonly Statement[], name: string, scope: Scope): PublishedType {
    const members: Member[] = [];
    for (const statement of statements) {
      switch (statement.type) {
        case 'TSInterfaceDeclaration':
          // What stands within is looked up in the namespace of the same name first.
          for (const { expression, typeArguments } of statement.extends)
            if (expression.type === 'Identifier')
              members.push(
                ...membersOf(
                  typeArguments
                    ? this.#applied(expression.name, typeArguments.params, scope)
                    : (this.#find([expression.name], scope) ?? { kind: 'unread', what: expression.name }),
                ),
              );
          members.push(...this.#members(statement.body.body, scope));
          break;
        case 'TSTypeAliasDeclaration':
          if (statement.typeAnnotation.type === 'TSIndexedAccessType') return this.#constant(statements, name);
          return this.#read(statement.typeAnnotation, scope);
        case 'TSEnumDeclaration':
          return {
            kind: 'union',
            of: statement.body.members.flatMap(({ initializer }) =>
              initializer?.type === 'Literal' ? [() => ({ kind: 'literal', value: String(initializer.value) })] : [],
            ),
          };
        case 'ClassDeclaration':
          for (const element of statement.body.body)
            if (element.type === 'PropertyDefinition' && element.key.type === 'Identifier' && element.typeAnnotation) {
              const { typeAnnotation } = element.typeAnnotation;
              members.push({
                name: element.key.name,
                isOptional: element.optional ?? false,
                type: () => this.#read(typeAnnotation, scope),
              });
            }
          break;
        default:
      }
    }
    return { kind: 'object', members: [...new Map(members.map((member) => [member.name, member])).values()] };
  }

  /** `typeof X[keyof typeof X]` of a constant of the same name: its values. */
  #constant(statements: readonly Statement[], name: string): PublishedType {
    const values = statements.flatMap((statement) => {
      if (statement.type !== 'VariableDeclaration') return [];
      const annotation = statement.declarations[0]?.id.typeAnnotation?.typeAnnotation;
      return annotation?.type === 'TSTypeLiteral' ? annotation.members : [];
    });
    const literals = values.flatMap((value) => {
      const type = value.type === 'TSPropertySignature' ? value.typeAnnotation?.typeAnnotation : null;
      return type?.type === 'TSLiteralType' && type.literal.type === 'Literal' ? [String(type.literal.value)] : [];
    });
    return literals.length > 0
      ? { kind: 'union', of: literals.map((value) => () => ({ kind: 'literal', value })) }
      : { kind: 'unread', what: name };
  }

  #members(signatures: readonly TSSignature[], scope: Scope): Member[] {
    return signatures.flatMap((signature) => {
      if (signature.type !== 'TSPropertySignature' || !signature.typeAnnotation) return [];
      const { key } = signature;
      const name = key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : null;
      if (name === null) return [];
      const { typeAnnotation } = signature.typeAnnotation;
      return [{ name, isOptional: signature.optional, type: () => this.#read(typeAnnotation, scope) }];
    });
  }

  #read(type: TSType, scope: Scope): PublishedType {
    switch (type.type) {
      case 'TSStringKeyword':
      case 'TSTemplateLiteralType':
        return { kind: 'text' };
      case 'TSNumberKeyword':
        return { kind: 'number' };
      case 'TSBooleanKeyword':
        return { kind: 'flag' };
      case 'TSNullKeyword':
        return { kind: 'nothing' };
      case 'TSUndefinedKeyword':
      case 'TSNeverKeyword':
      case 'TSTupleType':
        return { kind: 'absent' };
      case 'TSUnknownKeyword':
      case 'TSObjectKeyword':
      case 'TSMappedType':
      case 'TSAnyKeyword':
        return { kind: 'free' };
      case 'TSLiteralType':
        return type.literal.type === 'Literal' && type.literal.value !== null
          ? { kind: 'literal', value: type.literal.value as string }
          : { kind: 'unread', what: 'a literal' };
      case 'TSParenthesizedType':
        return this.#read(type.typeAnnotation, scope);
      case 'TSTypeOperator':
        return this.#read(type.typeAnnotation, scope);
      case 'TSArrayType':
        return { kind: 'list', of: () => this.#read(type.elementType, scope) };
      case 'TSUnionType':
        return { kind: 'union', of: type.types.map((each) => () => this.#read(each, scope)) };
      case 'TSIntersectionType': {
        const members = type.types.flatMap((each) => membersOf(this.#read(each, scope)));
        return members.length > 0 ? { kind: 'object', members } : { kind: 'text' }; // `string & {}`
      }
      case 'TSTypeLiteral': {
        const members = this.#members(type.members, scope);
        return members.length > 0 ? { kind: 'object', members } : { kind: 'free' };
      }
      case 'TSTypeReference':
        return this.#reference(type, scope);
      default:
        return { kind: 'unread', what: type.type };
    }
  }

  #reference(type: Extract<TSType, { type: 'TSTypeReference' }>, scope: Scope): PublishedType {
    const names = namesOf(type.typeName);
    const own = this.#find(names, scope);
    return own ?? this.#applied(names.join('.'), type.typeArguments?.params ?? [], scope);
  }

  #applied(name: string, [first, second]: readonly TSType[], scope: Scope): PublishedType {
    switch (name) {
      case 'Array':
      case 'ReadonlyArray':
        return first ? { kind: 'list', of: () => this.#read(first, scope) } : { kind: 'free' };
      case 'Record':
      case '__DocumentType':
        return { kind: 'free' };
      case 'Uint8Array':
        return { kind: 'text' }; // base64 in JSON
      case 'Omit': {
        if (!first || !second) return { kind: 'unread', what: name };
        const left: unknown[] = literalsOf(this.#read(second, scope));
        return {
          kind: 'object',
          members: membersOf(this.#read(first, scope)).filter((member) => !left.includes(member.name)),
        };
      }
      default:
        return { kind: 'unread', what: name };
    }
  }
}

function namesOf(name: TSTypeName): string[] {
  if (name.type === 'Identifier') return [name.name];
  return name.type === 'TSQualifiedName' ? [...namesOf(name.left), name.right.name] : [];
}

export function membersOf(type: PublishedType): readonly Member[] {
  return type.kind === 'object' ? type.members : [];
}

function literalsOf(type: PublishedType): unknown[] {
  if (type.kind === 'literal') return [type.value];
  return type.kind === 'union' ? type.of.flatMap((each) => literalsOf(each())) : [];
}
