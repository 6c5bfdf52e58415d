# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejections because of permissions, of the state of a namespace, or of the object itself, as data."""

from __future__ import annotations

from .entry import FIELD, QUOTED, Entry

_INVALID = frozenset({"invalid"})
_UNREADABLE = frozenset({"undecodable", "invalid"})

OBJECTS: tuple[Entry, ...] = (
    # -- permissions -----------------------------------------------------------------------------------------------
    Entry(
        "escalation",
        r"attempting to grant RBAC permissions not currently held",
        "the identity may not grant permissions that it does not have",
        "grant the identity the verbs escalate and bind on these roles, or use the credentials of a cluster "
        "administrator",
    ),
    Entry(
        "permission",
        r"User \\*\"(?P<user>.*?)\\*\" cannot (?P<verb>\S+) (?:resource|path) \\*\"(?P<resource>[^\"\\]*)",
        "the identity {user} may not {verb} {resource}",
        "grant this permission to {user}, or use other credentials",
    ),
    # -- namespaces and objects that are being deleted ---------------------------------------------------------------
    Entry(
        "namespace_terminating",
        r"because it is being terminated|namespace (?P<name>[\w.-]+) is being terminated",
        "the {where} is being deleted and accepts no new objects",
        "wait until the namespace is gone, then run this again",
        lasting=False,
        admission=True,
    ),
    Entry(
        "namespace_missing",
        rf"namespaces? {QUOTED} not found",
        "the namespace {name} does not exist",
        "create the namespace {name} first, or correct its name",
        if_installed="run the install, which creates the namespace {name}",
        admission=True,
    ),
    Entry(
        "namespace_protected",
        r"this namespace may not be deleted",
        "Kubernetes protects this namespace from deletion",
        "keep the namespace; delete the objects in it instead",
        admission=True,
    ),
    Entry(
        "still_terminating",
        r"object is being deleted: ",
        "an object of this name is still being deleted",
        "wait until it is gone, then run this again; `kubectl get` with `-o yaml` shows its finalizers",
        lasting=False,
    ),
    # -- the object itself -----------------------------------------------------------------------------------------
    Entry(
        "field_renamed",
        r"(?:unknown field \\*\"|\.)spec\.pod(?:Template|Spec)Overrides",
        "podTemplateOverrides and podSpecOverrides are fields of earlier releases of Trainer",
        "rename the field to spec.runtimePatches (Trainer 2.2 and later): one entry with a manager, and the overrides "
        "below trainingRuntimeSpec.template.spec.replicatedJobs",
        within=_UNREADABLE,
    ),
    Entry(
        "field_removed",
        r"(?:unknown field \\*\"|\.)spec\.(?P<name>labels|annotations)(?:\\*\"|: field not declared)",
        "spec.{name} of a TrainJob was removed in Trainer 2.2",
        "remove spec.{name}; set labels and annotations with spec.runtimePatches, below trainingRuntimeSpec.template",
        within=_UNREADABLE,
    ),
    Entry(
        "field_of_torch",
        r"(?:unknown field \\*\"|\.)(?P<name>spec\.mlPolicy\.torch\.(?:numProcPerNode|elasticPolicy))",
        "{name} was removed in Trainer 2.2",
        "remove {name}; spec.trainer.numProcPerNode of the TrainJob sets the processes of each node",
        within=_UNREADABLE,
    ),
    Entry(
        "field_unknown",
        r"unknown field \\*\"(?P<name>[^\"\\]+)|(?P<name_>\.[\w.\[\]=\"-]{1,200}): field not declared in schema"
        r"|ValidationError\([^)]*\): unknown",
        "the API server does not know the field {name}{name_}",
        "correct or remove the field {name}{name_}: check its spelling and indentation, and the release of the CRD "
        "(`kubectl explain`)",
        within=_UNREADABLE,
    ),
    Entry(
        "field_duplicate",
        r"(?:duplicate field|key) \\*\"(?P<name>[^\"\\]+)\\*\"(?: already set in map)?|mapping key .* already defined",
        "the object sets a field twice: {name}",
        "remove one of the two entries",
        within=_UNREADABLE,
    ),
    Entry(
        "name_invalid",
        r"(?<![\w.\[\]])(?P<field>[\w.\[\]]{0,200}(?:[nN]ame|namespace)): "
        r"(?:Too long|Invalid value: \\*\"[^\"]*\": (?:must be no more|a ))"
        r"|metadata\.name must (?:match|be no more)|(?:RFC 1123|RFC 1035|DNS-1035|DNS-1123)",
        "a name does not follow the rules of Kubernetes",
        "use lower-case letters, digits and hyphens, at most 63 characters, and begin with a letter; the name of a "
        "TrainJob is also part of the names of its pods",
        within=_INVALID,
    ),
    Entry(
        "requests_above_limits",
        r"(?:requests|limits)[\w.\[\]/]*: Invalid value: .*?must be (?:less|greater) than or equal to "
        r"(?P<resource>[\w./-]+) (?:limit|request)",
        "a container requests more {resource} than its limit",
        "set the request of {resource} to at most its limit; spec.trainer.resourcesPerNode sets both for the nodes "
        "of a TrainJob, and a runtime or the defaults of a LimitRange may set one of them",
        if_installed="raise the default limit of {resource} in the LimitRange of the {where}, which the controllers "
        "get, or set request and limit by `conductor_resources`: `kubectl{flag} describe limitrange`",
        within=_INVALID,
    ),
    Entry(
        "field_immutable",
        r"(?:(?P<field>(?:metadata|spec)[\w.\[\]]{0,200}): )?"
        r"(?:Invalid value|Forbidden)?.*?(?:is immutable|immutable after"
        r"|may not be changed|may not change|updates to .* are forbidden|cannot be (?:changed|modified))",
        "the field {field} cannot be changed after the object was created",
        "delete the object and create it again; a TrainJob is replaced with `recreate: true`",
        within=_INVALID,
    ),
    Entry(
        "number_of_processes",
        r"numProcPerNode(?:: Invalid value: .*| in body )must be of type integer",
        "numProcPerNode is a number from Trainer 2.2 on",
        "set numProcPerNode to a number, or remove it; the torch runtimes then use the number of GPUs",
        within=_INVALID,
    ),
    Entry(
        "value_too_long",
        rf"{FIELD}: (?:Too long|Too many)",
        "{field} is too long",
        "shorten {field} to what the message allows; apply large objects on the server side",
        within=_INVALID,
    ),
    Entry(
        "value_unsupported",
        rf"{FIELD}: Unsupported value: (?P<value>\S+): supported values: "
        r"(?P<values>\\*\"[^\"]*\"(?:, \\*\"[^\"]*\")*)",
        "{field} has the unsupported value {value}",
        "set {field} to one of: {values}",
        within=_INVALID,
    ),
    Entry(
        "value_missing",
        rf"{FIELD}: Required value",
        "{field} is missing",
        "set {field}",
        within=_INVALID,
    ),
    Entry(
        "value_invalid",
        rf"{FIELD}: (?:Invalid value|Duplicate value|Forbidden|Not found|Internal error)",
        "{field} is invalid",
        "correct {field} as the message says",
        within=_INVALID,
    ),
    Entry(
        "invalid",
        r"(?<!\S)\S{1,200} \\*\"[^\"\\]{0,300}\\*\" is invalid(?:: (?P<detail>.*))?",
        "the object is invalid",
        "correct the fields that the message names",
    ),
    Entry(
        "undecodable",
        r"(?P<detail>(?:cannot unmarshal|unable to decode|error decoding|error strict decoding|strict decoding error"
        r"|cannot be handled as a|[Cc]ouldn't get version/kind|Object 'Kind' is missing|no kind \\*\""
        r"|error converting YAML|error parsing|unmarshalerDecoder|unable to convert (?:un)?structured"
        r"|failed to create typed (?:patch )?object"
        r"|unknown field \\*\"|\.[\w.\[\]=\"-]{1,200}: field not declared in schema"
        r"|invalid character '|duplicate field).*)",
        "the API server cannot read the object: a field has the wrong type, or apiVersion or kind is wrong",
        "correct the type of the field that the message names (a text in quotes, a number without), or apiVersion and "
        "kind",
    ),
    Entry(
        "does_not_match",
        r"(?:in the data|of the object|of the provided object) \(.*\) does not match",
        "the object does not belong to the address that it was sent to",
        "correct apiVersion, name and namespace of the object",
    ),
    Entry(
        "field_conflict",
        r"Apply failed with \d+ conflict|conflict with \\*\"",
        "other managers own fields of the object",
        "check which manager owns the field; set force_conflicts to take it over",
    ),
    Entry(
        "modified",
        r"the object has been modified; please apply|Precondition failed|StorageError: invalid object"
        r"|the UID in the precondition",
        "the object was changed or replaced meanwhile",
        "run this again, which reads its new state",
        lasting=False,
    ),
    Entry(
        "already_exists",
        r"already exists",
        "an object of this name exists already",
        "use another name, or delete the existing object first",
    ),
)
