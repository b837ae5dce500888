// Generated from the server's OpenAPI document by `npm run api`; not edited by hand.

export interface paths {
    "/api/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page of rules */
        get: {
            parameters: {
                query: {
                    page: number;
                    per_page: number;
                    /** @description Only those whose name contains this, in any case */
                    search?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: ({
                                id: number;
                                rule_name: string;
                                description: string | null;
                                /** @description A list or a group, see the rule language */
                                conditions?: unknown;
                                schedule: string | null;
                                timezone: string | null;
                                start_date: string | null;
                                end_date: string | null;
                                depends_on: number[];
                                operation: string | null;
                                include?: (number | string)[];
                                exclude?: (number | string)[];
                                enabled: boolean;
                                /** @description Send it as If-Match with a change */
                                version: number;
                                created_at: string | null;
                                updated_at: string | null;
                                next_run?: string | null;
                                /** @description How a rule with a schedule stands: due, running, failing; null without one */
                                status?: unknown;
                            } & {
                                [key: string]: unknown;
                            })[];
                            total: number;
                            page: number;
                            pages: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        /** Create a rule */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            /** @description A rule document of the rule language; `id`, `created_at`, `updated_at`, `version`, `next_run` and `status` are ignored */
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "rule_name": "Metro",
                     *       "conditions": [
                     *         {
                     *           "field": "city_tier",
                     *           "operator": "=",
                     *           "value": 1
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        rule_name: string;
                        description?: string | null;
                        /** @description A list, a group or a single condition */
                        conditions?: unknown;
                        /** @description Five-field cron, or @daily and the like */
                        schedule?: string | null;
                        timezone?: string | null;
                        start_date?: string | null;
                        end_date?: string | null;
                        /** @description Ids or names of rules */
                        depends_on?: unknown;
                        /** @enum {unknown} */
                        operation?: "INTERSECTION" | "UNION" | "DIFFERENCE" | null;
                        include?: unknown[];
                        exclude?: unknown[];
                        enabled?: boolean;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            message: string;
                            rule_id: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A rule; its version is the ETag */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: number;
                            rule_name: string;
                            description: string | null;
                            /** @description A list or a group, see the rule language */
                            conditions?: unknown;
                            schedule: string | null;
                            timezone: string | null;
                            start_date: string | null;
                            end_date: string | null;
                            depends_on: number[];
                            operation: string | null;
                            include?: (number | string)[];
                            exclude?: (number | string)[];
                            enabled: boolean;
                            /** @description Send it as If-Match with a change */
                            version: number;
                            created_at: string | null;
                            updated_at: string | null;
                            next_run?: string | null;
                            /** @description How a rule with a schedule stands: due, running, failing; null without one */
                            status?: unknown;
                        } & {
                            [key: string]: unknown;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        /** Give a rule a new wording; If-Match takes its version */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            /** @description A rule document of the rule language; `id`, `created_at`, `updated_at`, `version`, `next_run` and `status` are ignored */
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "rule_name": "Metro",
                     *       "conditions": [
                     *         {
                     *           "field": "city_tier",
                     *           "operator": "=",
                     *           "value": 1
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        rule_name: string;
                        description?: string | null;
                        /** @description A list, a group or a single condition */
                        conditions?: unknown;
                        /** @description Five-field cron, or @daily and the like */
                        schedule?: string | null;
                        timezone?: string | null;
                        start_date?: string | null;
                        end_date?: string | null;
                        /** @description Ids or names of rules */
                        depends_on?: unknown;
                        /** @enum {unknown} */
                        operation?: "INTERSECTION" | "UNION" | "DIFFERENCE" | null;
                        include?: unknown[];
                        exclude?: unknown[];
                        enabled?: boolean;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            message: string;
                            affects: {
                                rule_id: number;
                                rule_name: string;
                            }[];
                            version: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        post?: never;
        /** Delete a rule that no other needs */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Nothing */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Change members of a rule: enable it, reschedule it */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            /** @description Members of the rule document that are to change; null takes one away */
            requestBody: {
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            message: string;
                            affects: {
                                rule_id: number;
                                rule_name: string;
                            }[];
                            version: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/rules/{id}/duplicate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Create a disabled copy of a rule */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            message: string;
                            rule_id: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/{id}/trigger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask for a run of a rule now */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            message: string;
                            run_id: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every wording that a rule had */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                version: number;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                at: string;
                                /** @description Null marks the deletion */
                                document: unknown;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/{id}/dependencies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a rule needs and what can answer it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            depends_on: number[];
                            operation?: string | null;
                            evaluated: string[];
                            reused: {
                                rule_id: number;
                                covers: string[];
                                how: string;
                                operation: string;
                                chosen: boolean;
                                reason: string;
                            }[];
                            order: number[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Everything that is wrong with a rule */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            /** @description A rule document of the rule language; `id`, `created_at`, `updated_at`, `version`, `next_run` and `status` are ignored */
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "rule_name": "Metro",
                     *       "conditions": [
                     *         {
                     *           "field": "city_tier",
                     *           "operator": "=",
                     *           "value": 1
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        rule_name: string;
                        description?: string | null;
                        /** @description A list, a group or a single condition */
                        conditions?: unknown;
                        /** @description Five-field cron, or @daily and the like */
                        schedule?: string | null;
                        timezone?: string | null;
                        start_date?: string | null;
                        end_date?: string | null;
                        /** @description Ids or names of rules */
                        depends_on?: unknown;
                        /** @enum {unknown} */
                        operation?: "INTERSECTION" | "UNION" | "DIFFERENCE" | null;
                        include?: unknown[];
                        exclude?: unknown[];
                        enabled?: boolean;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            valid: boolean;
                            problems: {
                                code: string;
                                /** @description A JSON Pointer into the document; line and column in a text */
                                path: string;
                                message: string;
                                hint?: string;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How many users conditions take, step by step, and some of them */
        post: {
            parameters: {
                query?: {
                    /** @description RFC 3339 with an offset; now if not said */
                    as_of?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            /** @description A rule document, `{"conditions": …}`, a list, a group or a condition, or `{"text": …}` in the text form */
            requestBody: {
                content: {
                    "application/json": unknown;
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number;
                            of: number;
                            sql: string;
                            steps: {
                                path: string;
                                text: string;
                                count: number;
                            }[];
                            sample: {
                                [key: string]: unknown;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/dependencies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Which segments could answer a rule, and why */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            /** @description A rule document of the rule language; `id`, `created_at`, `updated_at`, `version`, `next_run` and `status` are ignored */
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "rule_name": "Metro",
                     *       "conditions": [
                     *         {
                     *           "field": "city_tier",
                     *           "operator": "=",
                     *           "value": 1
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        rule_name: string;
                        description?: string | null;
                        /** @description A list, a group or a single condition */
                        conditions?: unknown;
                        /** @description Five-field cron, or @daily and the like */
                        schedule?: string | null;
                        timezone?: string | null;
                        start_date?: string | null;
                        end_date?: string | null;
                        /** @description Ids or names of rules */
                        depends_on?: unknown;
                        /** @enum {unknown} */
                        operation?: "INTERSECTION" | "UNION" | "DIFFERENCE" | null;
                        include?: unknown[];
                        exclude?: unknown[];
                        enabled?: boolean;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            depends_on: number[];
                            operation?: string | null;
                            evaluated: string[];
                            reused: {
                                rule_id: number;
                                covers: string[];
                                how: string;
                                operation: string;
                                chosen: boolean;
                                reason: string;
                            }[];
                            order: number[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rules/text": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Conditions to text, or text to conditions */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            /** @description Either `conditions`, which come back as `text`, or `text`, which comes back as `conditions` */
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "text": "city_tier in (1, 2)"
                     *     }
                     */
                    "application/json": {
                        conditions?: unknown;
                        text?: string;
                    };
                };
            };
            responses: {
                /** @description Either `conditions`, which come back as `text`, or `text`, which comes back as `conditions` */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "text": "city_tier in (1, 2)"
                         *     }
                         */
                        "application/json": {
                            conditions?: unknown;
                            text?: string;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/schedules/next": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** When a schedule fires next */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        schedule: string;
                        timezone?: string | null;
                        /** @default 5 */
                        n?: number;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            next: string[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fields": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What conditions can be about */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                name: string;
                                table: string | null;
                                type: string;
                                operators: string[];
                                values: string[] | null;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page of segments */
        get: {
            parameters: {
                query: {
                    page: number;
                    per_page: number;
                    /** @description Only those whose name contains this, in any case */
                    search?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                id: number;
                                rule_id: number;
                                segment_name: string;
                                description: string | null;
                                table_name: string;
                                row_count: number;
                                sql_query: string | null;
                                last_refreshed_at: string | null;
                                rule: {
                                    id: number;
                                    rule_name: string;
                                };
                                depends_on: number[];
                                current: {
                                    version: number;
                                    rule_version: number;
                                    /**
                                     * Format: date-time
                                     * @description RFC 3339, to the microsecond
                                     */
                                    as_of: string;
                                    run_id: number;
                                    row_count: number;
                                    entered: number;
                                    exited: number;
                                } | null;
                                /** @description The last sizes, oldest first */
                                sizes: {
                                    /**
                                     * Format: date-time
                                     * @description RFC 3339, to the microsecond
                                     */
                                    as_of: string;
                                    row_count: number;
                                }[];
                            }[];
                            total: number;
                            page: number;
                            pages: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A segment */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: number;
                            rule_id: number;
                            segment_name: string;
                            description: string | null;
                            table_name: string;
                            row_count: number;
                            sql_query: string | null;
                            last_refreshed_at: string | null;
                            rule: {
                                id: number;
                                rule_name: string;
                            };
                            depends_on: number[];
                            /**
                             * Format: date-time
                             * @description RFC 3339, to the microsecond
                             */
                            as_of: string;
                            version: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}/sample_data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Some of a segment's users, with what is known of them */
        get: {
            parameters: {
                query: {
                    n: number;
                };
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            columns: string[];
                            data: unknown[][];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}/lineage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where a segment comes from and what comes from it */
        get: {
            parameters: {
                query: {
                    format: "json" | "mermaid" | "dot";
                };
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            rule_id: number;
                            nodes: {
                                rule_id: number;
                                rule_name: string;
                                row_count: number | null;
                                as_of: string | null;
                                enabled: boolean;
                                segment_id: number | null;
                            }[];
                            edges: {
                                from: number;
                                to: number;
                                kind: string;
                                reason: string;
                            }[];
                        };
                        "text/plain": {
                            rule_id: number;
                            nodes: {
                                rule_id: number;
                                rule_name: string;
                                row_count: number | null;
                                as_of: string | null;
                                enabled: boolean;
                                segment_id: number | null;
                            }[];
                            edges: {
                                from: number;
                                to: number;
                                kind: string;
                                reason: string;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "text/plain": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "text/plain": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "text/plain": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every version of a segment, oldest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                version: number;
                                rule_version: number;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                as_of: string;
                                run_id: number;
                                row_count: number;
                                entered: number;
                                exited: number;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who entered and who left since a version */
        get: {
            parameters: {
                query: {
                    /** @description A version; the one before the current if not said */
                    since?: number;
                    /** @description How many keys to list of each */
                    limit: number;
                };
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            since: number;
                            version: number;
                            entered: (number | string)[];
                            exited: (number | string)[];
                            entered_count: number;
                            exited_count: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The keys of a segment's users as a file */
        get: {
            parameters: {
                query: {
                    format: "csv" | "parquet" | "arrow" | "bitmap";
                };
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/csv; charset=utf-8": string;
                        "application/vnd.apache.parquet": string;
                        "application/vnd.apache.arrow.file": string;
                        "application/octet-stream": string;
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/csv; charset=utf-8": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/vnd.apache.parquet": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/vnd.apache.arrow.file": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/octet-stream": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/csv; charset=utf-8": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/vnd.apache.parquet": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/vnd.apache.arrow.file": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/octet-stream": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/csv; charset=utf-8": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/vnd.apache.parquet": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/vnd.apache.arrow.file": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                        "application/octet-stream": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/{id}/explain/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why a user is in a segment, or why not */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description A user's key; a string beyond 2^53 */
                            key: number | string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, to the microsecond
                             */
                            as_of: string;
                            member: boolean;
                            included: boolean;
                            excluded: boolean;
                            /** @description The conditions as a tree: path, kind, text, holds, value, needed, window, parts */
                            root: unknown;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/segments/overlap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How many users each pair of 2 to 200 segments shares */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Ids of segments */
                        segments?: number[];
                        /** @description Ids of their rules instead */
                        rules?: number[];
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            segments: {
                                rule_id: number;
                                segment_id: number | null;
                                segment_name: string;
                                row_count: number;
                            }[];
                            /** @description first and second are ids of rules */
                            pairs: {
                                first: number;
                                second: number;
                                count: number;
                                jaccard: number;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{key}/segments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The segments that hold a user */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description A user's key; a string beyond 2^53 */
                            key: number | string;
                            segments: string[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Past runs, newest first */
        get: {
            parameters: {
                query: {
                    page: number;
                    per_page: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                id: number;
                                /** @enum {string} */
                                state: "published";
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                as_of: string;
                                segments: {
                                    rule_id: number;
                                    segment_name: string;
                                    row_count: number;
                                    entered: number;
                                    exited: number;
                                    unmatched: number;
                                    reused: {
                                        rule_id: number;
                                        covers: string[];
                                        how: string;
                                        operation: string;
                                        chosen: boolean;
                                        reason: string;
                                    }[];
                                    sql?: string;
                                }[];
                                failed: {
                                    rule_id: number;
                                    rule_name: string;
                                    problems: {
                                        code: string;
                                        /** @description A JSON Pointer into the document; line and column in a text */
                                        path: string;
                                        message: string;
                                        hint?: string;
                                    }[];
                                }[];
                                skipped: {
                                    rule_id: number;
                                    rule_name: string;
                                    reason: string;
                                }[];
                                scanned: {
                                    [key: string]: number;
                                };
                                users_evaluated: number;
                                rules_incremental: number;
                                rules_planned: number;
                                seconds: number;
                                stages: {
                                    [key: string]: number;
                                };
                            }[];
                            total: number;
                            page: number;
                            pages: number;
                            /** @description Runs that were asked for and have published nothing: waiting, under way, failed or cancelled */
                            asked: {
                                id: number;
                                state: "queued" | "running" | "published" | "failed" | "cancelled";
                                rules: number[];
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                asked_at: string;
                                started_at: string | null;
                                ended_at: string | null;
                                run_id: number | null;
                                error: {
                                    code: string;
                                    message: string;
                                    path?: string;
                                    hint?: string;
                                    problems?: {
                                        code: string;
                                        /** @description A JSON Pointer into the document; line and column in a text */
                                        path: string;
                                        message: string;
                                        hint?: string;
                                    }[];
                                } | null;
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A run's report, or how far it is */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: number;
                            /** @enum {string} */
                            state: "published";
                            /**
                             * Format: date-time
                             * @description RFC 3339, to the microsecond
                             */
                            as_of: string;
                            segments: {
                                rule_id: number;
                                segment_name: string;
                                row_count: number;
                                entered: number;
                                exited: number;
                                unmatched: number;
                                reused: {
                                    rule_id: number;
                                    covers: string[];
                                    how: string;
                                    operation: string;
                                    chosen: boolean;
                                    reason: string;
                                }[];
                                sql?: string;
                            }[];
                            failed: {
                                rule_id: number;
                                rule_name: string;
                                problems: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            }[];
                            skipped: {
                                rule_id: number;
                                rule_name: string;
                                reason: string;
                            }[];
                            scanned: {
                                [key: string]: number;
                            };
                            users_evaluated: number;
                            rules_incremental: number;
                            rules_planned: number;
                            seconds: number;
                            stages: {
                                [key: string]: number;
                            };
                        } | {
                            id: number;
                            state: "queued" | "running" | "published" | "failed" | "cancelled";
                            rules: number[];
                            /**
                             * Format: date-time
                             * @description RFC 3339, to the microsecond
                             */
                            asked_at: string;
                            started_at: string | null;
                            ended_at: string | null;
                            run_id: number | null;
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            } | null;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Cancel a run; it publishes nothing */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            message: string;
                            run_id: number;
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A run's progress as server-sent events
         * @description `state` says how the run stands; `run` and `progress` are events of the engine; the last is named `published`, `failed` or `cancelled` and holds what `GET /runs/:id` answers. Then the stream ends.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
                /** @description What went wrong, and what to do about it */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/due": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rules that are due, and what is next */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                rule_id: number;
                                rule_name: string;
                                schedule: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                firing: string;
                                missed: number;
                                failures: number;
                            }[];
                            /** @description The next firings, soonest first */
                            next: {
                                rule_id: number;
                                rule_name: string;
                                schedule: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                next_run: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the engine and the scheduler are doing, and which rules fail */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            running: unknown;
                            asked: {
                                id: number;
                                state: "queued" | "running" | "published" | "failed" | "cancelled";
                                rules: number[];
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                asked_at: string;
                                started_at: string | null;
                                ended_at: string | null;
                                run_id: number | null;
                                error: {
                                    code: string;
                                    message: string;
                                    path?: string;
                                    hint?: string;
                                    problems?: {
                                        code: string;
                                        /** @description A JSON Pointer into the document; line and column in a text */
                                        path: string;
                                        message: string;
                                        hint?: string;
                                    }[];
                                } | null;
                            }[];
                            scheduler: unknown;
                        } & {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/analytics/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Totals of users, transactions, spend, rules and segments */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            total_users: number;
                            total_transactions: number;
                            total_spend: string | null;
                            total_rules: number;
                            total_segments: number;
                            last_run: {
                                id: number;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, to the microsecond
                                 */
                                as_of: string;
                                segments: {
                                    rule_id: number;
                                    segment_name: string;
                                    row_count: number;
                                    entered: number;
                                    exited: number;
                                    unmatched: number;
                                    reused: {
                                        rule_id: number;
                                        covers: string[];
                                        how: string;
                                        operation: string;
                                        chosen: boolean;
                                        reason: string;
                                    }[];
                                    sql?: string;
                                }[];
                                failed: {
                                    rule_id: number;
                                    rule_name: string;
                                    problems: {
                                        code: string;
                                        /** @description A JSON Pointer into the document; line and column in a text */
                                        path: string;
                                        message: string;
                                        hint?: string;
                                    }[];
                                }[];
                                skipped: {
                                    rule_id: number;
                                    rule_name: string;
                                    reason: string;
                                }[];
                                scanned: {
                                    [key: string]: number;
                                };
                                users_evaluated: number;
                                rules_incremental: number;
                                rules_planned: number;
                                seconds: number;
                                stages: {
                                    [key: string]: number;
                                };
                            } | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/analytics/sizes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The sizes of segments over time, a page of segments */
        get: {
            parameters: {
                query: {
                    page: number;
                    per_page: number;
                    /** @description Only those whose name contains this, in any case */
                    search?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                rule_id: number;
                                segment_id: number;
                                segment_name: string;
                                points: {
                                    version: number;
                                    rule_version: number;
                                    /**
                                     * Format: date-time
                                     * @description RFC 3339, to the microsecond
                                     */
                                    as_of: string;
                                    run_id: number;
                                    row_count: number;
                                    entered: number;
                                    exited: number;
                                }[];
                            }[];
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
                /** @description What went wrong, and what to do about it */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                                path?: string;
                                hint?: string;
                                problems?: {
                                    code: string;
                                    /** @description A JSON Pointer into the document; line and column in a text */
                                    path: string;
                                    message: string;
                                    hint?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: never;
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
